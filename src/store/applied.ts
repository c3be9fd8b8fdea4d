/** One unique id and what came of it. */
export interface AppliedId {
  readonly uniqueId: string
  readonly rows: number
  readonly quarantined: number
}

/**
 * Bodies without an id that lie side by side in a segment of the inbox, by their places: `[from, to)` is where they begin, and all that
 * are meant for the table and begin there were applied. Their counts are those of all together.
 */
export interface AppliedRange {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly quarantined: number
}

/** A part of a segment. */
export interface PlacesWithin {
  readonly segment: string
  readonly from: number
  readonly to: number
}

/** Ranges of one segment: in order, and apart from each other. */
export interface AppliedPlaces {
  readonly segment: string
  readonly ranges: readonly AppliedRange[]
}
