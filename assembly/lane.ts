// The lane in WebAssembly (AssemblyScript): what src/collect/split/msgpack-lane.ts and json-lane.ts do, and besides escapes, records that lack
// keys, and the putting of values side by side. src/collect/split/native-lane.ts lays out the memory, and a test holds all of them to the same outcome.

import { clearFields, other, rowsMax, clearRow } from './fields'
import { behindLine, readObject } from './json'
import { readMap } from './msgpack'

export { firstFree, reserve } from './memory'

/** What the last call read, and where it stopped. */
export let rows: u32 = 0
export let stoppedAt: u32 = 0

/** Reads maps of MessagePack from `start` as long as they are as the fields say, and at most `most` of them, or as many as a call may. */
export function readMsgpack(fields: u32, count: u32, start: u32, end: u32, most: u32, recordBytesMax: u32): void {
  clearFields(fields, count)
  const rowEnd = min(most, rowsMax)
  let row: u32 = 0
  let at = start
  for (; row < rowEnd && at < end; row += 1) {
    const next = readMap(fields, count, at, end, row)
    if (next === other || next - at > recordBytesMax) break
    at = next
  }
  finish(fields, count, row, at)
}

/** Reads lines of JSON objects in the same way, in a body that is UTF-8. A line without its end is left. */
export function readJson(fields: u32, count: u32, start: u32, end: u32, most: u32, recordBytesMax: u32): void {
  clearFields(fields, count)
  const rowEnd = min(most, rowsMax)
  let row: u32 = 0
  let at = start
  for (; row < rowEnd && at < end; row += 1) {
    const next = readObject(fields, count, at, end, row)
    if (next === other || next - at > recordBytesMax) break
    const line = behindLine(next, end)
    if (line === other) break
    at = line
  }
  finish(fields, count, row, at)
}

/** Of a record that was begun and not taken, no trace is left. */
function finish(fields: u32, count: u32, row: u32, at: u32): void {
  if (row < rowsMax) clearRow(fields, count, row)
  rows = row
  stoppedAt = at
}
