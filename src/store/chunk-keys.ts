import type { Clock } from '../base/clock.ts'
import type { Randomness } from '../base/randomness.ts'
import { uuidv7 } from '../base/randomness.ts'

/** Where the files of chunks lie in the object store: `chunks/<account>/<table>/<id>.parquet`. */
export const chunkPrefix = 'chunks/'

const uuidPattern = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}'
const keyPattern = new RegExp(`^chunks/(\\d+)/\\d+/(${uuidPattern})\\.parquet$`)

/** A new id and the key of its file. The table's number in the key is for people: a table yet to be made has 0. */
export function newChunkKey(
  table: { accountId: number; tableId: number },
  clock: Clock,
  randomness: Randomness,
): { id: string; objectKey: string } {
  const id = uuidv7(clock, randomness)
  return { id, objectKey: `${chunkPrefix}${table.accountId}/${table.tableId}/${id}.parquet` }
}

/** What a key says of its chunk; undefined where it is not that of a chunk. */
export function parseChunkKey(key: string): { accountId: number; id: string; madeMs: number } | undefined {
  const found = keyPattern.exec(key)
  const [, account, id] = found ?? []
  if (account === undefined || id === undefined) return undefined
  // The first 48 bits of a UUID of version 7 are the time at which it was made.
  return { accountId: Number(account), id, madeMs: Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) }
}
