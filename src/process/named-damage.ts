import { AppError, isAppError } from '../base/errors.ts'
import type { LocalObject } from '../base/objects/objects.ts'
import { crc32OfFile } from '../base/objects/put-checked.ts'
import type { Chunk, Table } from '../store/store.ts'
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
  if (named !== undefined) return damageOf(named.table, named.chunk, error, named.path)
  if (error.code === 'object_not_found') return error
  for (const { table, chunk, path } of read) {
    if (path === undefined || chunk.crc32 === null) continue
    if ((await crc32OfFile(ports.disk, path)) !== chunk.crc32) return damageOf(table, chunk, error, path)
  }
  if (error.code !== 'object_damaged') return error
  const tables = scans.map(({ snapshot: { table } }) => `${table.database}.${table.name}`)
  return withHint(error, error.message, tables.join(' and '))
}

function damageOf({ database, name }: Table, { id }: Chunk, error: AppError, path: string | undefined): AppError {
  const said = path === undefined ? error.message : error.message.replaceAll(path, 'the file')
  const what = error.code === 'object_not_found' ? 'missing' : 'damaged'
  return withHint(error, `The file of chunk ${id} of "${database}.${name}" is ${what}: ${said}`, `${database}.${name}`)
}

function withHint(error: AppError, message: string, tables: string): AppError {
  return new AppError(error.code === 'object_not_found' ? error.code : 'object_damaged', message, {
    hint: `biwa verify ${tables} --repair mends it where that can be done, and else sets it aside so that queries go on.`,
    cause: error,
  })
}
