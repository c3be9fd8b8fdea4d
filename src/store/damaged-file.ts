import { AppError } from '../base/errors.ts'
import type { Chunk, Table } from './store.ts'

type NamedTable = Pick<Table, 'database' | 'name'>

/** A failure over the file of a chunk, `object_damaged` or `object_not_found`, that names the chunk and not a path. */
export function damagedFile(
  { database, name }: NamedTable,
  { id }: Pick<Chunk, 'id'>,
  error: AppError,
  path?: string,
): AppError {
  const said = path === undefined ? error.message : error.message.replaceAll(path, 'the file')
  const what = error.code === 'object_not_found' ? 'missing' : 'damaged'
  const message = `The file of chunk ${id} of "${database}.${name}" is ${what}: ${said}`
  return withRepairHint(error, message, [{ database, name }])
}

/** The failure with what is to be done about it, where it is not known which file of the tables it is over. */
export function withRepairHint(error: AppError, message: string, tables: readonly NamedTable[]): AppError {
  const names = tables.map(({ database, name }) => `${database}.${name}`).join(' and ')
  return new AppError(error.code === 'object_not_found' ? error.code : 'object_damaged', message, {
    hint: `biwa verify ${names} --repair mends it where that can be done, and else sets it aside so that queries go on.`,
    cause: error,
  })
}
