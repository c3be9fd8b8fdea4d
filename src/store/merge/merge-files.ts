import { join } from 'node:path'

import { copyToChunks } from '../../base/duckdb/copied-file.ts'
import type { CopiedFile } from '../../base/duckdb/copied-file.ts'
import { damageError } from '../../base/duckdb/damaged-files.ts'
import { diskFailure } from '../../base/duckdb/disk-failures.ts'
import type { LendSession, Session } from '../../base/duckdb/session.ts'
import { quotedText } from '../../base/duckdb/session.ts'
import type { EngineContext } from '../../base/engines/engines.ts'
import { AppError, assert } from '../../base/errors.ts'
import { ownWriter } from '../../base/parquet/footer.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { parquetVersionDefault } from '../../base/parquet/version.ts'
import { fieldIdsClause, fileSchemaClause } from '../columns.ts'
import { chunkOptions, groupRowsOf } from '../parquet-options.ts'
import type { Column } from '../store.ts'
import { quotedName } from '../types.ts'
import { cutFiles } from './cut-files.ts'
import type { FileCut, HourRows } from './cut-files.ts'
import { hourSeconds, mergeRules as rules } from './rules.ts'
import type { MergedFile, MergeInput, WrittenFiles } from './tasks.ts'

/**
 * Writes the rows of some chunks into fewer, sorted files, as an engine task. Rows in = rows out, or it fails; nothing is
 * changed until the files are committed in the place of the chunks.
 */
export async function mergeFiles(
  input: MergeInput,
  lend: LendSession,
  context: EngineContext,
  version: ParquetVersion = parquetVersionDefault,
): Promise<WrittenFiles> {
  const limits = { ...input.limits, spillDirectory: join(input.directory, 'spill') }
  try {
    return await lend(limits, (session) => merge(session, input, { context, version }))
  } catch (error) {
    throw translated(error, input)
  }
}

async function merge(
  session: Session,
  input: MergeInput,
  { context, version }: { readonly context: EngineContext; readonly version: ParquetVersion },
): Promise<WrittenFiles> {
  const columns = await presentColumns(session, input)
  const files: CopiedFile[] = []
  const bytesPerRow = await expectedRowBytes(session, input)
  const cuts = await plannedCuts(session, input, bytesPerRow)
  for (const [index, cut] of cuts.entries()) {
    const plan = { columns, cut, index, isWhole: cuts.length === 1, bytesPerRow, version }
    files.push(...(await copyCut(session, input, plan)))
    context.progress({ percent: Math.floor((100 * (index + 1)) / cuts.length) })
  }
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  const expected = sumOf(input.files, 'rows')
  assert(rows === expected, `a merge of ${expected} rows wrote ${rows}`)
  return { files, fieldIds: columns.map(({ fieldId }) => fieldId) }
}

/** A column that no input has would cost every reader a look at nothing. */
async function presentColumns(session: Session, { files, columns }: MergeInput): Promise<Column[]> {
  const rows = await session.rows(
    `select distinct field_id from parquet_schema(${listOf(files)}) where field_id is not null`,
  )
  const present = new Set(rows.map(([fieldId]) => Number(fieldId)))
  return columns.filter(({ fieldId }) => present.has(fieldId))
}

/** What a row will take in a file of the archive: rows that came as our own encoder writes them become smaller. */
async function expectedRowBytes(session: Session, { files, layer }: MergeInput): Promise<number> {
  const rows = sumOf(files, 'rows')
  if (layer === 'realtime') return sumOf(files, 'bytes') / rows
  const share = `case when created_by = '${ownWriter}' then ${rules.rewrittenShare} else 1 end`
  const [row] = await session.rows(
    `select sum(file_size_bytes * ${share}) from parquet_file_metadata(${listOf(files)})`,
  )
  return Number(row?.[0]) / rows
}

/** One file for a realtime chunk; for the archive as many as the hours ask for. */
async function plannedCuts(session: Session, input: MergeInput, bytesPerRow: number): Promise<(FileCut | undefined)[]> {
  if (input.layer === 'realtime') return [undefined]
  const rows = await session.rows(
    `select cast(floor("time" / ${hourSeconds}.0) as bigint), count(*)
       from read_parquet(${listOf(input.files)}, schema = map{1: {name: 'time', type: 'BIGINT', default_value: NULL}})
      group by 1 order by 1`,
  )
  const hours = rows.map(([hour, count]): HourRows => ({ hour: Number(hour), rows: Number(count) }))
  return cutFiles(hours, bytesPerRow)
}

interface CutPlan {
  readonly columns: readonly Column[]
  readonly cut: FileCut | undefined
  readonly index: number
  /** Whether it has all the rows, so that they need not be chosen by their time. */
  readonly isWhole: boolean
  readonly bytesPerRow: number
  readonly version: ParquetVersion
}

async function copyCut(
  session: Session,
  input: MergeInput,
  { columns, cut, index, isWhole, bytesPerRow, version }: CutPlan,
): Promise<CopiedFile[]> {
  const groupRows = groupRowsOf(columns.length)
  const groupsPerFile = Math.max(1, Math.round(rules.archiveBytesMax / (bytesPerRow * groupRows)))
  const isSplit = cut !== undefined && cut.rows > 1.5 * groupsPerFile * groupRows
  const where =
    cut === undefined || isWhole ? '' : ` where "time" >= ${cut.timeRange.from} and "time" < ${cut.timeRange.to}`
  const names = columns.map(({ name }) => quotedName(name)).join(', ')
  const source = `read_parquet(${listOf(input.files)}, schema = ${fileSchemaClause(columns)})`
  const order = input.sortedBy.map(quotedName).join(', ')
  const options = [
    ...chunkOptions(fieldIdsClause(columns), columns.length, version),
    ...(isSplit ? [`row_groups_per_file ${groupsPerFile}`] : []),
  ]
  const target = join(input.directory, isSplit ? `part-${index}` : `part-${index}.parquet`)
  // Among several files, two threads now and then put a row group into another one than its time says.
  if (isSplit) await session.run('set threads = 1')
  const written = await copyToChunks(
    session,
    `copy (select ${names} from ${source}${where} order by ${order}) to ${quotedText(target)} (${options.join(', ')})`,
  )
  if (isSplit) await session.run(`set threads = ${input.limits.threads}`)
  // A file that was begun for rows that had all been written already is empty, and no chunk.
  return written.filter((file) => file.rows > 0)
}

function sumOf(files: readonly MergedFile[], of: 'rows' | 'bytes'): number {
  return files.reduce((sum, file) => sum + file[of], 0)
}

function listOf(files: readonly MergedFile[]): string {
  return `[${files.map(({ path }) => quotedText(path)).join(', ')}]`
}

/** What is about the machine and not a bug. */
function translated(error: unknown, { limits }: MergeInput): unknown {
  if (!(error instanceof Error)) return error
  const known = diskFailure(error, limits.temporaryBytes) ?? damageError(error.message)
  if (known !== undefined) return known
  if (/out of memory/i.test(error.message)) {
    return new AppError('query_memory_exceeded', 'The chunks need more memory than a merge may have.', { cause: error })
  }
  return error
}
