import type { LendSession, OpenSession, SessionLimits } from './session.ts'
import { openSession } from './session.ts'

/**
 * Instances that serve one task after the other, for statements that are ours alone, whoever wrote the files: opening one takes 20 ms of a processor and
 * closing it 3, more than all of a small merge. A task that fails costs it the instance, so that the next one meets nothing of it.
 */
export class KeptSessions {
  readonly #idle: OpenSession[] = []

  readonly lend: LendSession = async (limits, body) => {
    const session = await this.#take(limits)
    try {
      const answer = await body(session)
      this.#idle.push(session)
      return answer
    } catch (error) {
      session.close()
      throw error
    }
  }

  async #take(limits: SessionLimits): Promise<OpenSession> {
    const kept = this.#idle.pop()
    if (kept !== undefined) {
      try {
        await kept.limit(limits)
        return kept
      } catch {
        // One that has spilled cannot spill into another directory.
        kept.close()
      }
    }
    const session = await openSession(limits)
    // What is merged or encoded is not read again.
    await session.run('set enable_external_file_cache = false')
    return session
  }
}
