import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Clock } from '../../../base/clock.ts'
import type { EngineContext } from '../../../base/engines/engines.ts'
import { AppError } from '../../../base/errors.ts'
import type { ParquetVersion } from '../../../base/parquet/version.ts'
import { chunkOptions, parquetOptions } from '../../../store/parquet-options.ts'
import { quotedName } from '../../../store/types.ts'
import { diskError, engineFailure, queryError } from './engine-errors.ts'
import { copiedFile, copyToChunks } from '../../../base/duckdb/copied-file.ts'
import { damageError } from '../../../base/duckdb/damaged-files.ts'
import type { LendSession, Session } from '../../../base/duckdb/session.ts'
import { lockDown, quotedText } from '../../../base/duckdb/session.ts'
import type { ExecuteInput, Execution, ExecutionProgress } from './tasks.ts'
import { filesDirectory } from './tasks.ts'
import { makeFunctions } from './make-functions.ts'
import { companionOf, filesOf, makeViews } from './views.ts'

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
      mkdirSync(dirname(input.path), { recursive: true })
      await makeFunctions(session, input)
      await makeViews(session, input, { companion: companionOf(input) })
      const [paths, directory] = input.fileBytes === null ? [[input.path]] : [[], input.path]
      await lockDown(session, [...filesOf(input), companionOf(input), ...paths], directory)
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

const targetOf = ({ path, fileBytes }: ExecuteInput) => (fileBytes === null ? path : join(path, filesDirectory))

type Projection = ExecuteInput['projection']

/** The text before the user's. It was proven to be one SELECT by itself, so that no parenthesis of it closes ours. */
function selectPrefix(projection: Projection): string {
  const items = projection.map(({ expression, name }) => `${expression} as ${quotedName(name)}`)
  return `select ${items.join(', ')} from (\n`
}

const copyPrefix = ({ projection }: ExecuteInput): string => `copy (${selectPrefix(projection)}`

/** The SELECT of the columns of the file, and of more behind them. */
export function selectText(input: ExecuteInput, more: Projection = []): string {
  const names = Array.from({ length: input.columnCount }, (_, index) => `c${index}`)
  return `${selectPrefix([...input.projection, ...more])}${input.sql}\n) as answer(${names.join(', ')})`
}

function copyStatement(input: ExecuteInput, parquetVersion: ParquetVersion): string {
  const { columnCount, fieldIds } = input
  const options = [
    ...(fieldIds === null ? parquetOptions(columnCount) : chunkOptions(fieldIds, columnCount, parquetVersion)),
    // A temporary file beside the one would not be an allowed path.
    input.fileBytes === null ? 'use_tmp_file false' : `file_size_bytes ${input.fileBytes}`,
  ]
  return `copy (${selectText(input)}) to ${quotedText(targetOf(input))} (${options.join(', ')})`
}

const progressEveryMs = 500

/** Runs the SELECT, and says while it does how far it is. */
export async function copyAnswer(
  session: Session,
  input: ExecuteInput,
  context: EngineContext,
  { clock, parquetVersion }: ExecuteTools,
): Promise<Execution> {
  return await withProgress(session, context, clock, async () => {
    const statement = copyStatement(input, parquetVersion)
    const written =
      input.fieldIds === null ? (await session.rows(statement)).map(copiedFile) : await copyToChunks(session, statement)
    const files = input.fileBytes === null ? written : written.filter((file) => file.rows > 0)
    const sum = (of: 'rows' | 'bytes') => files.reduce((total, file) => total + file[of], 0)
    return { rows: sum('rows'), bytes: sum('bytes'), files }
  })
}

/** Says while the statement of `body` runs how far it is. */
export async function withProgress<T>(
  session: Session,
  context: EngineContext,
  clock: Clock,
  body: () => Promise<T>,
): Promise<T> {
  let cancel = (): void => {}
  // Made of timers alone: an abort signal for each query costs an error with its stack.
  const reportLater = (): void => {
    cancel = clock.schedule(progressEveryMs, () => {
      const { percentage } = session.connection.progress
      const progress: ExecutionProgress = { percent: percentage < 0 ? null : Math.min(100, percentage) }
      context.progress(progress)
      reportLater()
    })
  }
  reportLater()
  try {
    return await body()
  } finally {
    cancel()
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
