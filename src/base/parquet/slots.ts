/**
 * What lies on the way from a row to a leaf: something that may be null, and something that may be there several times. Each
 * adds a definition level, the second a repetition level, too. Where only some rows have values, `sparse` finds these, and adds
 * no level: what is `optional` behind it does.
 */
export type LevelStep =
  | { readonly kind: 'optional'; readonly valid: Uint8Array }
  | { readonly kind: 'repeated'; readonly offsets: Uint32Array }
  | { readonly kind: 'sparse'; readonly rows: Uint32Array }

/** How many of the rows, which are in ascending order, come before `row`. */
export function countBefore(rows: Uint32Array, row: number): number {
  let [from, to] = [0, rows.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((rows[middle] as number) < row) from = middle + 1
    else to = middle
  }
  return from
}

/**
 * The slots of a leaf: one for each value, and one for each null, empty array or empty map on the way to it. Definition counts
 * the steps of the way that are there. Repetition is 0 at the first slot of a row, and else says how deep the array or map
 * lies that goes on (Parquet's README.md, "Nested Encoding").
 */
export interface Slots {
  readonly repetition: Uint8Array
  readonly definition: Uint8Array
}

/** Stands instead of a place in the vector where the way ended above. */
const ended = -1

/** Slots on their way down: where each is in the vector of the step, or that it ended. */
interface Walk extends Slots {
  readonly places: Int32Array
}

/** The slots of the rows, found step by step for all rows at once. */
export function slotsOf(steps: readonly LevelStep[], from: number, to: number): Slots {
  const rows = to - from
  const places = new Int32Array(rows)
  for (let row = 0; row < rows; row += 1) places[row] = from + row
  let walk: Walk = { repetition: new Uint8Array(rows), definition: new Uint8Array(rows), places }
  let repeats = 0
  for (const step of steps) {
    if (step.kind === 'optional') endAtNulls(walk, step.valid)
    else if (step.kind === 'sparse') findValues(walk, step.rows)
    else walk = spread(walk, step.offsets, (repeats += 1))
  }
  return walk
}

function endAtNulls({ definition, places }: Walk, valid: Uint8Array): void {
  for (let slot = 0; slot < places.length; slot += 1) {
    const place = places[slot] as number
    if (place === ended) continue
    if (valid[place] === 1) (definition[slot] as number)++
    else places[slot] = ended
  }
}

/** Goes on to the places of the rows that have values, and ends at the others. */
function findValues({ places }: Walk, rows: Uint32Array): void {
  let at = -1
  for (let slot = 0; slot < places.length; slot += 1) {
    const row = places[slot] as number
    if (row === ended) continue
    if (at === -1) at = countBefore(rows, row)
    while (at < rows.length && (rows[at] as number) < row) at += 1
    places[slot] = rows[at] === row ? at : ended
  }
}

/** Makes a slot of each element, and leaves one where there is none. */
function spread({ repetition, definition, places }: Walk, offsets: Uint32Array, level: number): Walk {
  let count = 0
  for (const place of places) count += place === ended ? 1 : Math.max(1, elementCount(offsets, place))
  const into = {
    repetition: new Uint8Array(count),
    definition: new Uint8Array(count),
    places: new Int32Array(count).fill(ended),
  }
  let at = 0
  for (let slot = 0; slot < places.length; slot += 1) {
    const place = places[slot] as number
    const elements = place === ended ? 0 : elementCount(offsets, place)
    into.repetition[at] = repetition[slot] as number
    into.definition[at] = definition[slot] as number
    for (let element = 0; element < elements; element += 1) {
      if (element > 0) into.repetition[at + element] = level
      into.definition[at + element] = (definition[slot] as number) + 1
      into.places[at + element] = (offsets[place] as number) + element
    }
    at += Math.max(1, elements)
  }
  return into
}

function elementCount(offsets: Uint32Array, place: number): number {
  return (offsets[place + 1] as number) - (offsets[place] as number)
}
