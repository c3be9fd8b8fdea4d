import { isAppError } from '../base/errors.ts'
import type { LocalObject } from '../base/objects/objects.ts'
import { crc32OfFile } from '../base/objects/put-checked.ts'
import { damagedFile, withRepairHint } from '../store/damaged-file.ts'
import type { ChosenScan } from './planning/choose-chunks.ts'
import type { QueryContext } from './query-context.ts'

/** What a damaged file may look like: as itself, or as a bug of DuckDB, which may die of it. */
const suspect: ReadonlySet<string> = new Set(['object_damaged', 'object_not_found', 'internal', 'worker_lost'])

/**
 * A failure over damaged files as one that names them. DuckDB does not always say which file it read: then it is the one
 * whose checksum is no longer that of its chunk. Any other failure is returned as it is.
 */
export async function namedDamage(
  { ports }: QueryContext,
  scans: readonly ChosenScan[],
  local: ReadonlyMap<string, LocalObject>,
  error: unknown,
): Promise<unknown> {
  if (!isAppError(error) || !suspect.has(error.code)) return error
  const read = scans.flatMap(({ snapshot: { table }, chunks }) =>
    chunks.map((chunk) => ({ table, chunk, path: local.get(chunk.objectKey)?.path })),
  )
  const says = (text: string | undefined): boolean => text !== undefined && error.message.includes(text)
  const named = read.find(({ chunk, path }) => says(chunk.objectKey) || says(path))
  if (named !== undefined) return damagedFile(named.table, named.chunk, error, named.path)
  if (error.code === 'object_not_found') return error
  for (const { table, chunk, path } of read) {
    if (path === undefined || chunk.crc32 === null) continue
    if ((await crc32OfFile(ports.disk, path)) !== chunk.crc32) return damagedFile(table, chunk, error, path)
  }
  if (error.code !== 'object_damaged') return error
  return withRepairHint(
    error,
    error.message,
    scans.map(({ snapshot: { table } }) => table),
  )
}
