import { statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Clock } from '../../../base/clock.ts'
import type { EngineContext } from '../../../base/engines/engines.ts'
import { diskFull, errno } from '../../../base/disk.ts'
import { AppError } from '../../../base/errors.ts'
import type { ParquetVersion } from '../../../base/parquet/version.ts'
import { chunkOptions, parquetOptions } from '../../../store/parquet-options.ts'
import type { ScannedFiles } from '../../../store/schema/projection.ts'
import { projectedScan } from '../../../store/schema/projection.ts'
import { duckdbType, quotedName } from '../../../store/types.ts'
import { diskError, engineFailure, queryError } from './engine-errors.ts'
import { copiedFile } from '../../../base/duckdb/copied-file.ts'
import { damageError } from '../../../base/duckdb/damaged-files.ts'
import { schemaStatements } from './schemas.ts'
import type { LendSession, Session } from '../../../base/duckdb/session.ts'
import { lockDown, quotedText } from '../../../base/duckdb/session.ts'
import type { ExecuteInput, Execution, ExecutionProgress } from './tasks.ts'
import { filesDirectory } from './tasks.ts'
import { makeFunctions } from './make-functions.ts'

export interface ExecuteTools {
  readonly clock: Clock
  /** Of files that become chunks. */
  readonly parquetVersion: ParquetVersion
}

/**
 * Runs a SELECT over exactly the files that the plan chose and writes the answer to one Parquet file, as an engine task.
 * The instance is locked before the user's text comes near it: it can open those files and the one that is written,
 * change no setting and load nothing.
 */
export async function executeQuery(
  input: ExecuteInput,
  lend: LendSession,
  context: EngineContext,
  tools: ExecuteTools,
): Promise<Execution> {
  const limits = { ...input.limits, spillDirectory: input.spillDirectory }
  return await lend(limits, async (session) => {
    try {
      await makeViews(session, input)
      const [paths, directory] = input.fileBytes === null ? [[input.path]] : [[], input.path]
      await lockDown(session, [...filesOf(input), emptyFileOf(input), ...paths], directory)
      return await copyAnswer(session, input, context, tools)
    } catch (error) {
      const failure = engineFailure(error)
      if (failure === undefined) throw error
      const full = diskError(failure, input.limits.temporaryBytes)
      if (full !== undefined) throw full
      const damage = damageError(failure.message)
      if (damage !== undefined) throw damage
      throw withoutPaths(queryError(failure, input, Buffer.byteLength(copyPrefix(input))), input)
    }
  })
}

async function makeViews(session: Session, input: ExecuteInput): Promise<void> {
  await makeFunctions(session, input)
  const scans = input.tables.flatMap((table) => table.scans)
  const isChanged = scans.some(({ changes }) => changes.length > 0)
  const companion = emptyFileOf(input)
  if (scans.some(isReadAlone)) await writeEmptyFile(companion)
  const statements = [
    ...schemaStatements(input.tables, input.database),
    ...(isChanged ? [`set disabled_optimizers = '${unfolding}';`] : []),
    ...input.tables.map((table) => tableOverFiles(table, companion)),
  ]
  if (statements.length > 0) await session.run(statements.join('\n'))
}

/**
 * These write the steps of a projection into one another, where each names the one before several times: a plan for ORDER BY
 * … LIMIT over a few changed columns then takes minutes and all memory.
 */
const unfolding = 'top_n,late_materialization'

/**
 * DuckDB reads several files with all its threads, and of one file whose columns are told as many row groups at a time as it
 * has seen in it beforehand: none. So a large file that is read by itself is given a companion without rows. It lies beside the
 * spill directory, which DuckDB removes when it likes.
 */
const emptyFileOf = ({ spillDirectory }: ExecuteInput): string => `${spillDirectory}.empty`

/** What fits into one row group or a few is read by one thread as soon as by two. */
const companionBytesMin = 1_000_000

function isReadAlone({ files }: ScannedFiles): boolean {
  const [file, ...more] = files
  if (file === undefined || more.length > 0) return false
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= companionBytesMin
}

/** One column and no rows, as DuckDB writes them; it would take 2 ms to do so, a tenth of a query for five minutes. */
const emptyParquet =
  'UEFSMRUCGSw1ABgNZHVja2RiX3NjaGVtYRUCABUCJQIYB25vdGhpbmclIgAWABkMKChEdWNrREIgdmVyc2lvbiB2MS41LjUgKGJ1aWxkIGQ4Y2RhYTMzZmQpGRwcAAAAXAAAAFBBUjE='

async function writeEmptyFile(path: string): Promise<void> {
  try {
    await writeFile(path, emptyParquet, 'base64')
  } catch (error) {
    throw errno(error) === 'ENOSPC' ? diskFull(error) : error
  }
}

/**
 * The columns by field id, whatever a file calls them and whether it has them, and rows of before the columns were changed as
 * they are since; a table without files is an empty one.
 */
function tableOverFiles({ database, name, columns, scans }: ExecuteInput['tables'][number], emptyFile: string): string {
  const path = `${quotedName(database)}.${quotedName(name)}`
  if (scans.length === 0) {
    const definitions = columns.map(({ column, queryName }) => `${quotedName(queryName)} ${duckdbType(column.type)}`)
    return `create table ${path} (${definitions.join(', ')});`
  }
  const readable = scans.map((scan) => (isReadAlone(scan) ? { ...scan, files: [...scan.files, emptyFile] } : scan))
  return `create view ${path} as ${readable.map((scan) => projectedScan(columns, scan)).join('\nunion all\n')};`
}

const filesOf = ({ tables }: ExecuteInput): readonly string[] =>
  tables.flatMap(({ scans }) => scans.flatMap(({ files }) => files))

const targetOf = ({ path, fileBytes }: ExecuteInput) => (fileBytes === null ? path : join(path, filesDirectory))

/** The text before the user's. It was proven to be one SELECT by itself, so that no parenthesis of it closes ours. */
function copyPrefix({ projection }: ExecuteInput): string {
  const items = projection.map(({ expression, name }) => `${expression} as ${quotedName(name)}`)
  return `copy (select ${items.join(', ')} from (\n`
}

function copyStatement(input: ExecuteInput, parquetVersion: ParquetVersion): string {
  const names = Array.from({ length: input.columnCount }, (_, index) => `c${index}`)
  const { columnCount, fieldIds } = input
  const options = [
    ...(fieldIds === null ? parquetOptions(columnCount) : chunkOptions(fieldIds, columnCount, parquetVersion)),
    // A temporary file beside the one would not be an allowed path.
    input.fileBytes === null ? 'use_tmp_file false' : `file_size_bytes ${input.fileBytes}`,
  ]
  return `${copyPrefix(input)}${input.sql}\n) as answer(${names.join(', ')})) to ${quotedText(targetOf(input))} (${options.join(', ')})`
}

const progressEveryMs = 500

async function copyAnswer(
  session: Session,
  input: ExecuteInput,
  context: EngineContext,
  { clock, parquetVersion }: ExecuteTools,
): Promise<Execution> {
  const done = new AbortController()
  const reporting = reportProgress(session, context, clock, done.signal)
  try {
    const written = (await session.rows(copyStatement(input, parquetVersion))).map(copiedFile)
    const files = input.fileBytes === null ? written : written.filter((file) => file.rows > 0)
    const sum = (of: 'rows' | 'bytes') => files.reduce((total, file) => total + file[of], 0)
    return { rows: sum('rows'), bytes: sum('bytes'), files }
  } finally {
    done.abort()
    await reporting
  }
}

async function reportProgress(
  session: Session,
  context: EngineContext,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(progressEveryMs, signal)
    if (signal.aborted) return
    const { percentage } = session.connection.progress
    const progress: ExecutionProgress = { percent: percentage < 0 ? null : Math.min(100, percentage) }
    context.progress(progress)
  }
}

/** Where files lie is nobody's business but ours. */
function withoutPaths(error: AppError, input: ExecuteInput): AppError {
  const paths = [input.path, input.spillDirectory, ...filesOf(input)]
  const scrub = (text: string): string =>
    paths
      .filter((path) => text.includes(path))
      .reduce((rest, path) => rest.replaceAll(path, 'a file of the table'), text)
  return AppError.fromRecord({ ...error.toRecord(), message: scrub(error.message) })
}
