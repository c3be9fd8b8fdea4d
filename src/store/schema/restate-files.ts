import { join } from 'node:path'

import type { Disk } from '../../base/disk.ts'
import { copyToChunks } from '../../base/duckdb/copied-file.ts'
import type { LendSession, Session } from '../../base/duckdb/session.ts'
import { quotedText } from '../../base/duckdb/session.ts'
import { assert, must } from '../../base/errors.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { parquetVersionDefault } from '../../base/parquet/version.ts'
import { fieldIdsClause } from '../columns.ts'
import { chunkOptions } from '../parquet-options.ts'
import { requireSound } from '../sound-files.ts'
import { quotedName } from '../types.ts'
import { filledColumns, projectedScan } from './projection.ts'
import type { RestateInput, RestateOutput } from './tasks.ts'

/** Writes the rows of files as they are since the columns were changed to another file, as an engine task. */
export async function restateFiles(
  input: RestateInput,
  disk: Disk,
  lend: LendSession,
  version: ParquetVersion = parquetVersionDefault,
): Promise<RestateOutput> {
  await requireSound(
    disk,
    input.files.map((path, index) => ({ path, crc32: input.checksums[index] ?? null })),
  )
  const limits = { ...input.limits, spillDirectory: join(input.directory, 'spill') }
  return await lend(limits, (session) => restate(session, input, version))
}

async function restate(session: Session, input: RestateInput, version: ParquetVersion): Promise<RestateOutput> {
  const columns = filledColumns(input.columns, input.changes, await fieldIdsIn(session, input.files))
  const named = columns.map(({ column, queryName }) => ({ ...column, name: queryName }))
  const options = chunkOptions(fieldIdsClause(named), named.length, version)
  const names = named.map(({ name }) => quotedName(name)).join(', ')
  const rows = `select ${names} from (${projectedScan(input.columns, input, 'of files')})`
  const order = input.sortedBy.map(quotedName).join(', ')
  const target = quotedText(join(input.directory, 'restated.parquet'))
  const [written] = await copyToChunks(session, `copy (${rows} order by ${order}) to ${target} (${options.join(', ')})`)
  const file = must(written, 'COPY tells what it wrote')
  assert(file.rows === input.rows, `${input.rows} rows were to be restated, and ${file.rows} were`)
  return { file, fieldIds: columns.map(({ column }) => column.fieldId) }
}

async function fieldIdsIn(session: Session, files: readonly string[]): Promise<ReadonlySet<number>> {
  const list = files.map(quotedText).join(', ')
  const rows = await session.rows(`select distinct field_id from parquet_schema([${list}]) where field_id is not null`)
  return new Set(rows.map(([fieldId]) => Number(fieldId)))
}
