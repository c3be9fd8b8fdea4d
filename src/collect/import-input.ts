import type { ImportOutcome } from './collect.ts'
import type { Segment } from './inbox/inbox.ts'
import type { Span } from './inbox/frame-source.ts'

export const importKind = 'import'

/** Where the bodies of one account lie that a job of kind `import` converts. */
export interface ImportInput {
  readonly segment: Segment
  /** In order. Frames of other accounts lie between, and are passed over. */
  readonly spans: readonly Span[]
  /** Offsets of the frames whose senders wait for the outcome. */
  readonly watched: readonly number[]
}

/** What came of one body. */
export interface BodyOutcome extends ImportOutcome {
  /** The offset of its frame. */
  readonly at: number
  readonly database: string
  readonly table: string
}

/** The output of an import job. */
export interface ImportSummary {
  readonly bodies: number
  readonly duplicates: number
  readonly accepted: number
  readonly quarantined: number
  /** The bodies that somebody waits for, and those with something to tell; at most `shownBodiesMax` of the latter. */
  readonly shown: readonly BodyOutcome[]
}

const shownBodiesMax = 100

export function summarize(outcomes: readonly BodyOutcome[], watched: readonly number[]): ImportSummary {
  const waitedFor = new Set(watched)
  const withNews = outcomes.filter(({ at, quarantined, error }) => !waitedFor.has(at) && (quarantined > 0 || error))
  // Duplicates were counted when they were applied.
  const fresh = outcomes.filter(({ duplicate }) => !duplicate)
  return {
    bodies: outcomes.length,
    duplicates: outcomes.length - fresh.length,
    accepted: fresh.reduce((sum, { accepted }) => sum + accepted, 0),
    quarantined: fresh.reduce((sum, { quarantined }) => sum + quarantined, 0),
    shown: [...outcomes.filter(({ at }) => waitedFor.has(at)), ...withNews.slice(0, shownBodiesMax)],
  }
}
