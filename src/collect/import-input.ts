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

/** Counts what came of bodies. Only those that somebody hears of have an outcome of their own: single events come by the thousands. */
export class OutcomeTally {
  /** Whether somebody waits for the body at that place. */
  readonly isWatched: (at: number) => boolean
  readonly #watched: BodyOutcome[] = []
  readonly #withNews: BodyOutcome[] = []
  #bodies = 0
  #duplicates = 0
  #accepted = 0
  #quarantined = 0

  constructor(isWatched: (at: number) => boolean) {
    this.isWatched = isWatched
  }

  /** A body that nobody waits for, and of which there is nothing to tell but how many rows it became. */
  addPlain(rows: number): void {
    this.#bodies += 1
    this.#accepted += rows
  }

  /** A body that was applied before together with others, of which nothing was to be told. */
  addKnown(): void {
    this.#bodies += 1
    this.#duplicates += 1
  }

  add(outcome: BodyOutcome): void {
    const { at, accepted, quarantined, duplicate, error } = outcome
    this.#bodies += 1
    // Duplicates were counted when they were applied.
    if (duplicate) this.#duplicates += 1
    else {
      this.#accepted += accepted
      this.#quarantined += quarantined
    }
    if (this.isWatched(at)) this.#watched.push(outcome)
    else if (quarantined > 0 || error !== null) this.#withNews.push(outcome)
  }

  /** The outcomes of the bodies that somebody waits for. */
  get watched(): readonly BodyOutcome[] {
    return this.#watched
  }

  get summary(): ImportSummary {
    return {
      bodies: this.#bodies,
      duplicates: this.#duplicates,
      accepted: this.#accepted,
      quarantined: this.#quarantined,
      shown: [...this.#watched, ...this.#withNews.slice(0, shownBodiesMax)],
    }
  }
}
