import type { Queryable } from '../../base/postgres/postgres.ts'
import { deleteConversion, insertChunks, insertConversion, insertErrors } from './conversions.sql.ts'
import type { KeptError } from './conversions.sql.ts'
import type { Conversion } from './convert-parts.ts'

/** Bytes travel to PostgreSQL as text, twice their size: one statement stays at a few megabytes. */
const statementBytesMax = 2 << 20
const statementErrorsMax = 1000
const statementChunksMax = 200

/** Keeps what parts were converted to, in place of what was kept before. */
export async function keepConversion(tx: Queryable, importId: number, conversion: Conversion): Promise<void> {
  const { target, chunks, errors } = conversion
  await deleteConversion(tx, importId)
  await insertConversion(tx, importId, target)
  for (let at = 0; at < chunks.length; at += statementChunksMax) {
    await insertChunks(tx, importId, at, chunks.slice(at, at + statementChunksMax))
  }
  let at = 0
  for (const batch of batched(errors)) {
    await insertErrors(tx, importId, at, batch)
    at += batch.length
  }
}

function batched(errors: readonly KeptError[]): KeptError[][] {
  const batches: KeptError[][] = []
  let bytes = Infinity
  for (const error of errors) {
    const isFull = bytes + error.raw.byteLength > statementBytesMax || batches.at(-1)?.length === statementErrorsMax
    if (isFull) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)?.push(error)
    bytes += error.raw.byteLength
  }
  return batches
}
