import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import type { Clock } from '../clock.ts'
import { errno } from '../disk.ts'
import { AppError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { orphanSeconds } from '../orphan-watch.ts'
import { commandOf, isAlive, processesIn } from '../process-table.ts'
import { binariesEnvironment } from './binaries.ts'
import type { ServerUser } from './server-user.ts'

export interface ServerCommand {
  readonly postgres: string
  readonly data: string
  readonly user: ServerUser
  readonly settings: Readonly<Record<string, string>>
}

/** One running `postgres`, and the small process that stops it when we are killed before we can. */
export class ServerProcess {
  readonly exited: Promise<void>
  readonly closed: Promise<void>
  readonly #child: ChildProcess
  #guard: ChildProcess | undefined
  readonly #clock: Clock
  #running = true
  #lastWords: string[] = []

  constructor(command: ServerCommand, clock: Clock, log: Logger) {
    this.#clock = clock
    const settings = Object.entries(command.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    this.#child = spawn(command.postgres, ['-D', command.data, ...settings], {
      ...command.user,
      cwd: '/',
      env: binariesEnvironment,
      stdio: ['ignore', 'ignore', 'pipe'],
      // A session of its own: Ctrl-C in the terminal is for us, who stop the server last.
      detached: true,
    })
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', () => this.#end(resolve))
      this.#child.once('error', (error) => {
        this.#lastWords = [String(error)]
        this.#end(resolve)
      })
    })
    // Resolves later than the exit, when the server's last words have been heard.
    this.closed = new Promise((resolve) => this.#child.once('close', () => resolve()))
    if (this.#child.stderr) {
      createInterface({ input: this.#child.stderr }).on('line', (line) => this.#hear(line, log))
    }
    if (this.#child.pid !== undefined) this.#guard = guardAgainstOurDeath(this.#child.pid, command.user)
  }

  get running(): boolean {
    return this.#running
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** What the server said last: the reason when it did not start. */
  get lastWords(): string {
    return this.#lastWords.join('\n')
  }

  #end(resolve: () => void): void {
    this.#running = false
    if (this.#guard?.pid === undefined || this.#guard.exitCode !== null) return resolve()
    this.#guard.once('exit', resolve)
    this.#guard.kill('SIGKILL')
  }

  #hear(line: string, log: Logger): void {
    const [, severity] = /^([A-Z]+): /.exec(line) ?? []
    if (severity === 'FATAL' || severity === 'PANIC') this.#lastWords = []
    this.#lastWords = [...this.#lastWords, line].slice(-5)
    if (severity === 'PANIC') log.error({ postgres: line }, 'PostgreSQL panics')
    else log.debug({ postgres: line }, 'PostgreSQL says')
  }

  /** Fast shutdown: ends sessions and writes a checkpoint. A server that hangs is then stopped ever less gently. */
  async stop(): Promise<void> {
    for (const [signal, patienceMs] of stopSequence) {
      if (!this.#running) return
      this.#child.kill(signal)
      const enough = new AbortController()
      await Promise.race([this.exited, this.#clock.sleep(patienceMs, enough.signal)])
      enough.abort()
    }
  }
}

/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one: no checkpoint, recovery at the next start. */
const stopSequence = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const

/**
 * A shell that waits for the end of its input, which comes when we die in whatever way, and shuts the server down when what else is left of us has ended.
 * PostgreSQL itself would live on. The shell costs less than a megabyte. It asks each second whether the server is still there: whoever starts
 * again stops it, and its id may be another's some time after.
 */
function guardAgainstOurDeath(pid: number, user: ServerUser): ChildProcess {
  const script = `read -r _; for _ in $(seq ${orphanSeconds}); do kill -0 "$1" || exit; sleep 1; done; kill -INT "$1"`
  const guard = spawn('/bin/sh', ['-c', script, 'sh', String(pid)], {
    ...user,
    cwd: '/',
    env: binariesEnvironment,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // Without the guard the next start still stops a server that was left over.
  guard.on('error', () => {})
  guard.stdin?.on('error', () => {})
  guard.unref()
  return guard
}

/**
 * Stops a server that still runs on this data directory although the Biwa that started it is gone. The caller holds the
 * lock of the data directory. Fails with `startup`.
 */
export async function stopLeftOverServer(data: string, clock: Clock, log: Logger): Promise<void> {
  const pidFile = join(data, 'postmaster.pid')
  const pid = await readPid(pidFile)
  if (pid === undefined) return
  const command = isAlive(pid) ? await commandOf(pid) : undefined
  if (!command?.includes(data)) {
    // Should the id belong to another process by now, PostgreSQL would take that for a running server and not start.
    await rm(pidFile, { force: true })
    return
  }
  log.warn({ pid }, 'a PostgreSQL server was left over; stopping it')
  for (const [signal, patienceMs] of stopSequence) {
    const deadline = clock.monotonicMs() + patienceMs
    sendSignal(pid, signal)
    while (clock.monotonicMs() < deadline) {
      if (!isAlive(pid)) return
      await clock.sleep(25)
    }
  }
  throw new AppError('startup', `A PostgreSQL server that was left over (process ${pid}) cannot be stopped.`, {
    hint: `Stop it by hand: kill -9 ${pid}`,
  })
}

/**
 * Kills what a dead postmaster left behind on this data directory, and tells how many processes that were. Most backends notice the
 * death and end by themselves; one that waits for a lock of another that did so waits for ever, and no server starts beside it.
 * Killing it loses nothing that was acknowledged: the start recovers from the log, as after any crash. The caller knows that no
 * postmaster runs here.
 */
export async function killOrphans(data: string): Promise<number> {
  // Every process of a server works in its data directory. The program may have been replaced since.
  const orphans = (await processesIn(data)).filter(({ program }) => /^postgres( \(deleted\))?$/.test(program))
  for (const { pid } of orphans) sendSignal(pid, 'SIGKILL')
  return orphans.length
}

async function readPid(pidFile: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt(await readFile(pidFile, 'utf8'), 10)
    return pid > 0 ? pid : undefined
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined
    throw error
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (errno(error) !== 'ESRCH') throw error
  }
}
