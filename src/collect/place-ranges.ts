import type { AppliedRange } from '../store/store.ts'
import type { ConvertedBody } from './convert/tasks.ts'
import { isPlain } from './convert/message.ts'
import type { Span } from './inbox/frame-source.ts'
import type { Body } from './body.ts'

/** Which bodies a job has, and which of them it commits to a table. */
export interface CommittedBodies {
  /** All of the account that the job read, in order. */
  readonly all: readonly Body[]
  /** Some of them, in the same order, and what came of each. */
  readonly committed: readonly Body[]
  readonly results: readonly ConvertedBody[]
  /** What was read of the segment, frame after frame without a gap. */
  readonly stretches: readonly Span[]
  /** Whether somebody waits for the body at that place. */
  readonly isWatched: (at: number) => boolean
}

/**
 * The ranges of places that say of bodies without an id that they were applied. Whatever begins in a range counts as applied for good, so
 * a range never goes over a body that is not committed, and never over bytes that were not read: between its ends lie bodies of this
 * commit, frames of other accounts, and those of bodies with ids, which are no business of a place. It ends before the body of another table,
 * too: tables change their names, and that body may be meant for this one when it is imported. A body that somebody waits
 * for, or of which there is something to tell, has a range of its own: a later attempt tells the same of it.
 */
export function rangesOf({ all, committed, results, stretches, isWatched }: CommittedBodies): AppliedRange[] {
  const ranges: { from: number; to: number; rows: number; quarantined: number }[] = []
  /** Where the stretch ends that the last range lies in; negative where it takes no more. */
  let openTo = -1
  let next = 0
  let stretch = 0
  for (const body of all) {
    const result = committed[next] === body ? results[next++] : undefined
    const { header, from, to } = body.frame
    if (header.uniqueId !== null) continue
    if (result === undefined) {
      openTo = -1
      continue
    }
    const { rows, rejected, error } = result
    const isAlone = isWatched(from) || !isPlain(result)
    const last = ranges.at(-1)
    if (last !== undefined && from < openTo && !isAlone) {
      last.to = to
      last.rows += rows
      continue
    }
    ranges.push({ from, to, rows, quarantined: error === null ? rejected : 1 })
    while ((stretches[stretch]?.[1] ?? Infinity) <= from) stretch += 1
    openTo = isAlone ? -1 : (stretches[stretch]?.[1] ?? -1)
  }
  return ranges
}
