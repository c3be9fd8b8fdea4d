import { restartMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Service } from '../base/service.ts'
import type { ForkedRole, Legacy, RoleEntry } from './forked-role.ts'
import { drainPredecessors, endPredecessors } from './predecessors.ts'
import { SpareRole } from './spare-role.ts'

export interface RoleCommand extends RoleEntry {
  /** How long it may take to finish its work in hand when a stop is asked for. 5 s by default. */
  readonly drainMsMax?: number
  /** How long it may then take to give everything back before it is killed. 3 s by default. */
  readonly stopMsMax?: number
  /**
   * Two processes of the role cannot work side by side: when it is renewed, the old one ends as soon as the new one is
   * made, and before it is ready.
   */
  readonly alone?: boolean
  /** Whether a process that has loaded its code stands ready to take its place when it dies. */
  readonly keepsSpare?: boolean
  /** The names of the processes that a killed supervisor left: they serve until the first one here has loaded its code, or, unless `alone`, is ready. */
  readonly predecessors?: readonly string[]
}

/** A new process that is not ready by then will not be. */
const renewMsMax = 120_000

/** For so long a database may be away while roles start for the first time. */
const databaseMsMax = 10_000
const betweenTriesMs = 100

/** So many starts in a row may be ended by somebody else before that counts as a failure. */
const forgivenMax = 2

/**
 * What just became ready has requests of a while to answer, and code to compile for the first of them; its own spare would take the
 * processor from them, and where all roles begin at once, that of each from all others.
 */
const spareAfterMs = 4000

/**
 * A role in a process of its own, which is started again when it dies. `start` resolves when the role is ready, or
 * rejects with the role's own AppError. `stop` lets it give back what it holds, and kills it when that takes too long,
 * which loses nothing: whatever was acknowledged is durable.
 */
export class SupervisedRole implements Service {
  readonly name: string
  readonly #command: RoleCommand
  readonly #clock: Clock
  readonly #log: Logger
  readonly #ending = new AbortController()
  readonly #spare: SpareRole
  #current: ForkedRole | undefined
  /** The one that is to replace it, while it starts. */
  #coming: ForkedRole | undefined
  /** Those that were replaced and finish their work in hand. */
  readonly #retiring = new Set<ForkedRole>()
  /** Counts the renewals: whoever watches over the processes of an earlier one starts no more of them. */
  #generation = 0
  #legacy: Legacy | undefined
  readonly #background = new Set<Promise<void>>()

  constructor(command: RoleCommand, clock: Clock, log: Logger) {
    this.name = command.name
    this.#command = command
    this.#clock = clock
    this.#log = log.child({ role: command.name })
    this.#spare = new SpareRole(command, clock, this.#log)
  }

  /** What the role said of itself when it became ready, for example the port it listens on. */
  get announced(): unknown {
    return this.#legacy?.announced
  }

  /** The process that runs now; undefined between a death and the next start. */
  get pid(): number | undefined {
    return this.#current?.pid
  }

  /** The process that stands ready to replace it. */
  get sparePid(): number | undefined {
    return this.#spare.pid
  }

  /** The processes that were replaced and still finish their work. */
  get retiringPids(): number[] {
    return [...this.#retiring].flatMap(({ pid }) => pid ?? [])
  }

  /** Has the process of `start` load its code ahead, while what it needs is not there yet. */
  load(): void {
    this.#spare.load()
  }

  async start(): Promise<void> {
    this.#current = await this.#beginFirst()
    this.#inBackground(this.#keepRunning(this.#current))
  }

  /**
   * Starts a process from the code that is on disk now, and lets the one that ran until then finish its work in hand
   * behind. Resolves when the new one is ready. Rejects when that does not come up; the old one goes on, unless it had
   * to make room already: then the new one is tried again and again.
   */
  async renew(): Promise<void> {
    // The one that waits has loaded the code of before.
    await this.#spare.discard()
    const next = this.#begin()
    this.#coming = next
    try {
      await this.#readyInTime(next, this.#command.alone === true ? next.opened : next.ready)
      this.#replaceBy(next)
      await this.#readyInTime(next, next.ready)
      this.#inherit(await next.ready)
    } catch (error) {
      next.kill()
      this.#awaitSpare()
      throw error
    } finally {
      this.#coming = undefined
    }
  }

  /** What just became ready has requests of a while to answer: its successor loads later. */
  #awaitSpare(): void {
    if (this.#command.keepsSpare === true && !this.#ending.signal.aborted) this.#spare.loadLater(spareAfterMs)
  }

  async drain(): Promise<void> {
    this.#ending.abort()
    this.#inBackground(this.#spare.discard())
    this.#closeSockets()
    if (this.#coming !== this.#current) this.#coming?.kill()
    this.#current?.askToDrain()
    const { drainMsMax = 5000 } = this.#command
    const roles = [this.#current, ...this.#retiring].filter((role) => role !== undefined)
    const drained = Promise.all(roles.map((role) => role.drained))
    if (!(await this.#inTime(drained, drainMsMax))) this.#warnOfLateness()
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    this.#inBackground(this.#spare.discard())
    this.#closeSockets()
    const roles = [this.#current, this.#coming, ...this.#retiring].filter((role) => role !== undefined)
    await Promise.all(roles.map((role) => this.#end(role)))
    await Promise.all(this.#background)
  }

  #begin(): ForkedRole {
    const role = this.#spare.take()
    role.begin(this.#legacy)
    return role
  }

  /** The database was there a moment ago: a connection that is lost meanwhile is no reason to give up a whole server. */
  async #beginFirst(): Promise<ForkedRole> {
    const { signal } = this.#ending
    let role = this.#spare.take()
    this.#current = role
    await this.#takeOver(role)
    const deadline = this.#clock.monotonicMs() + databaseMsMax
    for (;;) {
      role.begin(this.#legacy)
      try {
        this.#inherit(await role.ready)
        if (this.#command.alone !== true) await drainPredecessors(this.#command.predecessors ?? [])
        return role
      } catch (error) {
        const isOver = signal.aborted || this.#clock.monotonicMs() > deadline
        if (isOver || !isAppError(error, 'database_unavailable')) throw error
        this.#log.warn({ err: error }, 'the role did not start; trying again')
        await role.exited
        await this.#clock.sleep(betweenTriesMs, signal)
        if (signal.aborted) throw error
      }
      role = this.#spare.take()
      this.#current = role
    }
  }

  /** Predecessors serve while the code loads; those that may work beside their successor, until it is ready to take what they would have taken. */
  async #takeOver(role: ForkedRole): Promise<void> {
    const { predecessors = [] } = this.#command
    if (predecessors.length === 0) return
    await role.loaded
    this.#log.info({ predecessors }, 'taking over from the processes of a supervisor that was killed')
    if (this.#command.alone === true) await endPredecessors(predecessors, this.#clock)
  }

  /** What a process that became ready leaves to the next one. */
  #inherit(legacy: Legacy): void {
    this.#awaitSpare()
    // A socket that a process answers with is the one that it got under this name, under another number.
    const known = this.#legacy?.sockets ?? new Map()
    for (const [name, socket] of legacy.sockets) if (known.has(name)) socket.close()
    this.#legacy = { announced: legacy.announced, sockets: new Map([...legacy.sockets, ...known]) }
  }

  #closeSockets(): void {
    for (const socket of this.#legacy?.sockets.values() ?? []) socket.close()
  }

  #replaceBy(next: ForkedRole): void {
    const old = this.#current
    this.#current = next
    this.#generation += 1
    this.#inBackground(this.#keepRunning(next))
    if (old !== undefined) this.#inBackground(this.#retire(old))
  }

  async #retire(old: ForkedRole): Promise<void> {
    this.#retiring.add(old)
    old.askToDrain()
    if (!(await this.#inTime(old.drained, this.#command.drainMsMax ?? 5000))) this.#warnOfLateness()
    await this.#end(old)
    this.#retiring.delete(old)
    this.#log.info({ pid: old.pid }, 'the process on the old code has ended')
  }

  async #end(role: ForkedRole): Promise<void> {
    role.askToStop()
    await this.#inTime(role.exited, this.#command.stopMsMax ?? 3000)
    role.kill()
    await role.exited
  }

  async #keepRunning(first: ForkedRole): Promise<void> {
    const { signal } = this.#ending
    const generation = this.#generation
    const isOver = (): boolean => signal.aborted || generation !== this.#generation
    let role = first
    let failedStarts = 0
    let forgiven = 0
    let startedMs = this.#clock.monotonicMs()
    while (true) {
      const how = await role.exited
      if (this.#current === role) this.#current = undefined
      if (isOver()) return
      if (role.wasReady) [failedStarts, forgiven] = [0, 0]
      // One that was killed while it started has not failed of itself, and the next one may well come up; unless they are all killed.
      else if (how === 'SIGKILL' && forgiven < forgivenMax) forgiven += 1
      else failedStarts += 1
      this.#log.error({ how, failedStarts }, 'the role died; starting it again')
      await this.#clock.sleep(restartMs(failedStarts, this.#clock.monotonicMs() - startedMs), signal)
      if (isOver()) return
      startedMs = this.#clock.monotonicMs()
      role = this.#begin()
      this.#current = role
      role.ready.then(
        (legacy) => {
          this.#inherit({ announced: this.announced ?? legacy.announced, sockets: legacy.sockets })
          this.#log.info('the role is ready again')
        },
        // Its exit follows and is counted above.
        (error: unknown) => this.#log.error({ err: error }, 'the role did not come back'),
      )
    }
  }

  async #readyInTime(role: ForkedRole, step: Promise<unknown>): Promise<void> {
    if (await this.#inTime(step, renewMsMax)) return
    throw new AppError(
      'startup',
      `The new process ${role.pid} of the role ${this.name} did not become ready in time.`,
      {
        hint: 'What it logged stands above.',
      },
    )
  }

  #warnOfLateness(): void {
    this.#log.warn('work in hand did not end in time; it will be done again')
  }

  #inBackground(work: Promise<void>): void {
    this.#background.add(work)
    void work.finally(() => this.#background.delete(work))
  }

  /** Says whether `done` came within `ms`. */
  async #inTime(done: Promise<unknown>, ms: number): Promise<boolean> {
    const over = new AbortController()
    const inTime = done.then(() => true)
    const late = this.#clock.sleep(ms, over.signal).then(() => false)
    return await Promise.race([inTime, late]).finally(() => over.abort())
  }
}
