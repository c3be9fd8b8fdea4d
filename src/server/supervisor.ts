import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

import { backoffMs, healthyAfterMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { forkArguments } from '../base/fork-arguments.ts'
import type { Logger } from '../base/log.ts'
import type { Service } from '../base/service.ts'
import { previouslyAnnounced } from './role-messages.ts'
import type { FromRole, ToRole } from './role-messages.ts'

export interface RoleCommand {
  readonly name: string
  /** The file whose process calls `runRole`. */
  readonly entry: URL
  readonly environment?: Readonly<Record<string, string>>
  /** How long it may take to finish its work in hand when a stop is asked for. 5 s by default. */
  readonly drainMsMax?: number
  /** How long it may then take to end before it is killed. 3 s by default. */
  readonly stopMsMax?: number
}

/**
 * A role in a process of its own, which is started again when it dies. `start` resolves when the role is ready, or
 * rejects with the role's own AppError. `stop` after a completed `drain` is polite; without one it kills at once, which
 * loses nothing: whatever was acknowledged is durable.
 */
export class SupervisedRole implements Service {
  readonly name: string
  readonly #command: RoleCommand
  readonly #clock: Clock
  readonly #log: Logger
  readonly #ending = new AbortController()
  #process: RoleProcess | undefined
  #announced: unknown
  #drained = false
  #watch: Promise<void> | undefined

  constructor(command: RoleCommand, clock: Clock, log: Logger) {
    this.name = command.name
    this.#command = command
    this.#clock = clock
    this.#log = log.child({ role: command.name })
  }

  /** What the role said of itself when it became ready, for example the port it listens on. */
  get announced(): unknown {
    return this.#announced
  }

  /** The process that runs now; undefined between a death and the next start. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  async start(): Promise<void> {
    const first = this.#fork()
    this.#announced = await first.ready
    this.#watch = this.#keepRunning(first)
  }

  async drain(): Promise<void> {
    this.#ending.abort()
    this.#process?.send({ type: 'drain' })
    const { drainMsMax = 5000 } = this.#command
    if (this.#process && !(await this.#inTime(this.#process.drained, drainMsMax))) {
      this.#log.warn({ drainMsMax }, 'work in hand did not end in time; it will be done again')
    }
    this.#drained = true
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    const role = this.#process
    if (role !== undefined) {
      if (this.#drained) {
        role.send({ type: 'stop' })
        await this.#inTime(role.exited, this.#command.stopMsMax ?? 3000)
      }
      role.kill()
      await role.exited
    }
    await this.#watch
  }

  #fork(): RoleProcess {
    this.#process = new RoleProcess(this.#command, this.#announced)
    return this.#process
  }

  async #keepRunning(first: RoleProcess): Promise<void> {
    const { signal } = this.#ending
    let role = first
    let failures = 0
    let startedMs = this.#clock.monotonicMs()
    while (true) {
      const how = await role.exited
      this.#process = undefined
      if (signal.aborted) return
      failures = this.#clock.monotonicMs() - startedMs > healthyAfterMs ? 1 : failures + 1
      this.#log.error({ how, failures }, 'the role died; starting it again')
      await this.#clock.sleep(backoffMs(failures), signal)
      if (signal.aborted) return
      startedMs = this.#clock.monotonicMs()
      role = this.#fork()
      role.ready.then(
        () => this.#log.info('the role is ready again'),
        // Its exit follows and is counted above.
        (error: unknown) => this.#log.error({ err: error }, 'the role did not come back'),
      )
    }
  }

  /** Says whether `done` came within `ms`. */
  async #inTime(done: Promise<unknown>, ms: number): Promise<boolean> {
    const over = new AbortController()
    const inTime = done.then(() => true)
    const late = this.#clock.sleep(ms, over.signal).then(() => false)
    return await Promise.race([inTime, late]).finally(() => over.abort())
  }
}

/** One process of a role, from fork to exit. */
class RoleProcess {
  /** Resolves with what the role announces; rejects when it fails or ends before. */
  readonly ready: Promise<unknown>
  /** Resolves when the role has no work in hand any more, or is gone. */
  readonly drained: Promise<void>
  /** Resolves with how it ended: a signal or an exit code. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess

  constructor(command: RoleCommand, previous: unknown) {
    const told = previous === undefined ? {} : { [previouslyAnnounced]: JSON.stringify(previous) }
    const child = fork(command.entry, {
      execArgv: forkArguments(command.entry),
      env: { ...process.env, ...command.environment, ...told },
      // Standard output belongs to the supervisor, for people.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    this.#child = child
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
      child.on('error', (error) => (child.pid === undefined ? resolve(String(error)) : child.kill('SIGKILL')))
    })
    this.ready = new Promise((resolve, reject) => {
      child.on('message', (message) => {
        const told = message as FromRole
        if (told.type === 'ready') resolve(told.announced)
        if (told.type === 'failed') reject(AppError.fromRecord(told.error))
      })
      void this.exited.then((how) => reject(endedEarly(command.name, how)))
    })
    this.drained = new Promise((resolve) => {
      child.on('message', (message) => (message as FromRole).type === 'drained' && resolve())
      void this.exited.then(() => resolve())
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** A message to a role that is going is not needed any more. */
  send(message: ToRole): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

function endedEarly(role: string, how: string): AppError {
  return new AppError('startup', `The role ${role} ended before it was ready (${how}).`, {
    hint: 'What it logged stands above.',
  })
}
