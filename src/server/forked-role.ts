import { fork } from 'node:child_process'
import type { ChildProcess, SendHandle } from 'node:child_process'

import { AppError } from '../base/errors.ts'
import { forkArguments } from '../base/fork-arguments.ts'
import { standBack } from '../base/stand-back.ts'
import type { FromRole, ListeningSocket, ListeningSockets, ToRole } from './role-messages.ts'

export interface RoleEntry {
  readonly name: string
  /** The file whose process calls `runRole`. */
  readonly entry: URL
  readonly environment?: Readonly<Record<string, string>>
  /** By how much it stands back behind the supervisor, where both want a core. */
  readonly niceness?: number
  /** Of its Node. */
  readonly nodeFlags?: readonly string[]
}

/** What a process of a role leaves to the next one. */
export interface Legacy {
  readonly announced: unknown
  readonly sockets: ListeningSockets
}

/** How long a spare may take to leave. */
const leaveMsMax = 3000

/** One process of a role, from fork to exit. It loads its code, and waits with everything else until it is told to begin. */
export class ForkedRole {
  /** Resolves when the code of the role is loaded and it waits for `begin`; rejects when it fails or ends before. */
  readonly loaded: Promise<void>
  /** Resolves when it has begun and its parts are made; rejects when it fails or ends before. */
  readonly opened: Promise<void>
  /** Resolves with what the role leaves to the next one; rejects when it fails or ends before. */
  readonly ready: Promise<Legacy>
  /** Resolves when the role has no work in hand any more, or is gone. */
  readonly drained: Promise<void>
  /** Resolves with how it ended: a signal or an exit code. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  #isReady = false

  constructor(command: RoleEntry) {
    const child = fork(command.entry, {
      execArgv: [...forkArguments(command.entry), ...(command.nodeFlags ?? [])],
      env: { ...process.env, ...command.environment },
      // Standard output belongs to the supervisor, for people.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    this.#child = child
    standBack(child.pid, command.niceness ?? 0)
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
      child.on('error', (error) => (child.pid === undefined ? resolve(String(error)) : child.kill('SIGKILL')))
    })
    const started = this.#hearOf(command.name)
    this.loaded = started.loaded
    this.opened = started.opened
    this.ready = started.ready
    this.drained = new Promise((resolve) => {
      child.on('message', (message) => (message as FromRole).type === 'drained' && resolve())
      void this.exited.then(() => resolve())
    })
  }

  /** Has it become the role, in the place of the one that left this. */
  begin(legacy: Legacy | undefined): void {
    for (const [name, socket] of legacy?.sockets ?? []) this.#send({ type: 'socket', name }, socket)
    this.#send({ type: 'begin', previous: legacy?.announced ?? null })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whether it ever was. */
  get wasReady(): boolean {
    return this.#isReady
  }

  /** Asks it to finish its work in hand. A role that still starts has none, and is killed. */
  askToDrain(): void {
    if (this.#isReady) this.#send({ type: 'drain' })
    else this.kill()
  }

  /** Asks it to give everything back. A role that still starts has nothing to give, and is killed. */
  askToStop(): void {
    if (this.#isReady) this.#send({ type: 'stop' })
    else this.kill()
  }

  /** Has a spare end, with the processes that it has. One that still loads its code does so when it has. */
  async leave(): Promise<void> {
    this.#send({ type: 'stop' })
    const late = setTimeout(() => this.kill(), leaveMsMax)
    await this.exited
    clearTimeout(late)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** A message to a role that is going is not needed any more. */
  #send(message: ToRole, socket?: ListeningSocket): void {
    // Node passes its own sockets on as they are, which its types do not tell.
    if (this.#child.connected) this.#child.send(message, socket as unknown as SendHandle, () => {})
  }

  #hearOf(name: string): { loaded: Promise<void>; opened: Promise<void>; ready: Promise<Legacy> } {
    const sockets = new Map<string, ListeningSocket>()
    const ready = new Promise<Legacy>((resolve, reject) => {
      this.#child.on('message', (message, socket) => {
        const told = message as FromRole
        if (told.type === 'failed') reject(AppError.fromRecord(told.error))
        if (told.type === 'socket') sockets.set(told.name, socket as unknown as ListeningSocket)
        if (told.type !== 'ready') return
        this.#isReady = true
        resolve({ announced: told.announced, sockets })
      })
      void this.exited.then((how) => reject(endedEarly(name, how)))
    })
    const step = (type: FromRole['type']): Promise<void> =>
      new Promise<void>((resolve, reject) => {
        this.#child.on('message', (message) => (message as FromRole).type === type && resolve())
        ready.then(() => resolve(), reject)
      })
    const [loaded, opened] = [step('loaded'), step('opened')]
    // Whoever replaced or gave up this process looks at none of them.
    for (const promise of [loaded, opened, ready]) promise.catch(() => {})
    return { loaded, opened, ready }
  }
}

function endedEarly(role: string, how: string): AppError {
  return new AppError('startup', `The role ${role} ended before it was ready (${how}).`, {
    hint: 'What it logged stands above.',
  })
}
