import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import type { Commit, CommitOutcome, Store } from '../store/store.ts'

const retryMs = 500
const triesMax = 20

/**
 * Commits, and goes on until there is an answer. After a connection that was lost nobody knows whether the commit was done:
 * when its repetition finds exactly its own ids applied, it was, and that is no duplicate.
 */
export async function commitSurely(
  store: Store,
  commit: Commit,
  clock: Clock,
  signal: AbortSignal,
): Promise<CommitOutcome['kind']> {
  for (let tries = 1; ; tries += 1) {
    try {
      const outcome = await store.commit(commit)
      const isOwn = tries > 1 && outcome.kind === 'duplicate' && isSame(commit, outcome)
      return isOwn ? 'committed' : outcome.kind
    } catch (error) {
      if (!isAppError(error, 'database_unavailable') || tries === triesMax) throw error
      await clock.sleep(retryMs, signal)
      signal.throwIfAborted()
    }
  }
}

function isSame({ ids, places }: Commit, { known, knownPlaces }: CommitOutcome & { kind: 'duplicate' }): boolean {
  const byId = new Map(known.map((id) => [id.uniqueId, id]))
  const byPlace = new Map(knownPlaces.map((range) => [range.from, range]))
  const areIds = ids.every((id) => hasCounts(byId.get(id.uniqueId), id))
  const ranges = places?.ranges ?? []
  return (
    areIds &&
    ranges.every((range) => byPlace.get(range.from)?.to === range.to && hasCounts(byPlace.get(range.from), range))
  )
}

interface Counts {
  readonly rows: number
  readonly quarantined: number
}

function hasCounts(found: Counts | undefined, { rows, quarantined }: Counts): boolean {
  return found?.rows === rows && found.quarantined === quarantined
}
