import type { Clock } from '../../../base/clock.ts'
import type { EngineContext } from '../../../base/engines/engines.ts'
import { AppError } from '../../../base/errors.ts'
import { chunkOptions, parquetOptions } from '../../../store/parquet-options.ts'
import { projectedScan } from '../../../store/schema/projection.ts'
import { duckdbType, quotedName } from '../../../store/types.ts'
import { diskError, engineFailure, queryError } from './engine-errors.ts'
import { copiedFile } from '../../../base/duckdb/copied-file.ts'
import { makeSchemas } from './schemas.ts'
import type { Session } from '../../../base/duckdb/session.ts'
import { lockDown, quotedText, withSession } from '../../../base/duckdb/session.ts'
import type { ExecuteInput, Execution, ExecutionProgress } from './tasks.ts'
import { makeTimeFunctions } from './time-functions.ts'

/**
 * Runs a SELECT over exactly the files that the plan chose and writes the answer to one Parquet file, as an engine task.
 * The instance is locked before the user's text comes near it: it can open those files and the one that is written,
 * change no setting and load nothing.
 */
export async function executeQuery(input: ExecuteInput, context: EngineContext, clock: Clock): Promise<Execution> {
  const limits = { ...input.limits, spillDirectory: input.spillDirectory }
  return await withSession(limits, async (session) => {
    try {
      await makeViews(session, input)
      await lockDown(session, [...filesOf(input), input.path])
      return await copyAnswer(session, input, context, clock)
    } catch (error) {
      const failure = engineFailure(error)
      if (failure === undefined) throw error
      const full = diskError(failure, input.limits.temporaryBytes)
      if (full !== undefined) throw full
      throw withoutPaths(queryError(failure, input, Buffer.byteLength(copyPrefix(input))), input)
    }
  })
}

async function makeViews(session: Session, input: ExecuteInput): Promise<void> {
  await makeTimeFunctions(session, input)
  await makeSchemas(session, input.tables, input.database)
  for (const table of input.tables) await session.run(tableOverFiles(table))
}

/**
 * The columns by field id, whatever a file calls them and whether it has them, and rows of before the columns were changed as
 * they are since; a table without files is an empty one.
 */
function tableOverFiles({ database, name, columns, scans }: ExecuteInput['tables'][number]): string {
  const path = `${quotedName(database)}.${quotedName(name)}`
  if (scans.length === 0) {
    const definitions = columns.map(({ column, queryName }) => `${quotedName(queryName)} ${duckdbType(column.type)}`)
    return `create table ${path} (${definitions.join(', ')})`
  }
  return `create view ${path} as ${scans.map((scan) => projectedScan(columns, scan)).join('\nunion all\n')}`
}

const filesOf = ({ tables }: ExecuteInput): readonly string[] =>
  tables.flatMap(({ scans }) => scans.flatMap(({ files }) => files))

/** The text before the user's. It was proven to be one SELECT by itself, so that no parenthesis of it closes ours. */
function copyPrefix({ projection }: ExecuteInput): string {
  const items = projection.map(({ expression, name }) => `${expression} as ${quotedName(name)}`)
  return `copy (select ${items.join(', ')} from (\n`
}

function copyStatement(input: ExecuteInput): string {
  const names = Array.from({ length: input.columnCount }, (_, index) => `c${index}`)
  const options = [
    ...(input.fieldIds === null ? parquetOptions : chunkOptions(input.fieldIds)),
    // A temporary file beside it would not be an allowed path.
    'use_tmp_file false',
  ]
  return `${copyPrefix(input)}${input.sql}\n) as answer(${names.join(', ')})) to ${quotedText(input.path)} (${options.join(', ')})`
}

const progressEveryMs = 500

async function copyAnswer(
  session: Session,
  input: ExecuteInput,
  context: EngineContext,
  clock: Clock,
): Promise<Execution> {
  const done = new AbortController()
  const reporting = reportProgress(session, context, clock, done.signal)
  try {
    const [row] = await session.rows(copyStatement(input))
    return copiedFile(row ?? [])
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
