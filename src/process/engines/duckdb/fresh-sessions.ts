import type { LendSession, OpenSession, SessionLimits } from '../../../base/duckdb/session.ts'
import { openSession } from '../../../base/duckdb/session.ts'

/**
 * Instances to run queries in, each for one: what a query leaves behind in settings, logs or caches is nothing to the next. It
 * takes 15 ms to open one, as long as all of a small query, and 3 ms to close it; both are done while nobody waits for it.
 */
export class FreshSessions {
  #next: Promise<OpenSession> | undefined

  readonly lend: LendSession = async (limits, body) => {
    const next = this.#next
    this.#next = undefined
    const session = await (next ?? openSession(limits))
    try {
      await session.limit(limits)
      return await body(session)
    } finally {
      // The answer is told before.
      setImmediate(() => {
        session.close()
        this.#prepare(limits)
      })
    }
  }

  /** The query that comes mostly has the limits of the last one, but a place of its own to spill; and gives it its lock. */
  #prepare(limits: SessionLimits): void {
    if (this.#next !== undefined) return
    const next = openSession({ ...limits, spillDirectory: null })
    this.#next = next
    // The query that comes meets the failure itself, if it is one that lasts.
    next.catch(() => {
      if (this.#next === next) this.#next = undefined
    })
  }
}
