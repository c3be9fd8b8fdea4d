import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { ForkedRole } from './forked-role.ts'
import type { RoleEntry } from './forked-role.ts'

/**
 * A process that has loaded the code of a role and waits for the one that runs to die. To load it takes longer than all that has to be
 * done before the next request is answered.
 */
export class SpareRole {
  readonly #command: RoleEntry
  readonly #clock: Clock
  readonly #log: Logger
  #waiting: ForkedRole | undefined
  #failures = 0
  #cancelLater: (() => void) | undefined

  constructor(command: RoleEntry, clock: Clock, log: Logger) {
    this.#command = command
    this.#clock = clock
    this.#log = log
  }

  /** The process that waits now. */
  get pid(): number | undefined {
    return this.#waiting?.pid
  }

  /** Has one load now, where none does. */
  load(): void {
    this.#cancelLater?.()
    this.#cancelLater = undefined
    if (this.#waiting !== undefined) return
    const role = new ForkedRole(this.#command)
    this.#waiting = role
    void role.exited.then((how) => {
      if (this.#waiting !== role) return
      // It died as a spare, and nobody missed it: there is no hurry.
      this.#waiting = undefined
      this.#failures += 1
      this.#log.warn(
        { how, failures: this.#failures },
        'the spare process of the role died; another one loads in a while',
      )
      this.loadLater(backoffMs(this.#failures + 2))
    })
  }

  /** Has one load then: who just begins needs the processors for itself. */
  loadLater(ms: number): void {
    this.#cancelLater?.()
    this.#cancelLater = this.#clock.schedule(ms, () => this.load())
  }

  /** The process that waits, or one that only starts now. It is the caller's from here on. */
  take(): ForkedRole {
    this.load()
    const role = this.#waiting
    this.#waiting = undefined
    this.#failures = 0
    return role as ForkedRole
  }

  /** Ends the one that waits; the next one loads what is on disk by then. Resolves when it is gone. */
  async discard(): Promise<void> {
    this.#cancelLater?.()
    this.#cancelLater = undefined
    const role = this.#waiting
    this.#waiting = undefined
    await role?.leave()
  }
}
