import { join } from 'node:path'

import type { EngineLimits as PoolLimits } from '../base/engines/engines.ts'
import { AppError, must } from '../base/errors.ts'
import type { LocalObject } from '../base/objects/objects.ts'
import { groupChunks } from '../store/schema/changes.ts'
import type { ChunkGroup } from '../store/schema/changes.ts'
import type { ScannedFiles } from '../store/schema/projection.ts'
import type { Chunk } from '../store/store.ts'
import type { ExecuteInput, Execution, ExecutionProgress, SmallAnswerTerms } from './engines/duckdb/tasks.ts'
import { executeTask, filesDirectory } from './engines/duckdb/tasks.ts'
import { namedDamage } from './named-damage.ts'
import type { PlannedSelect } from './plan-select.ts'
import { engineDatabase, engineTable } from './plan-select.ts'
import type { ChosenScan } from './planning/choose-chunks.ts'
import { bytesOf, requireWithinLimit } from './planning/choose-chunks.ts'
import type { QueryContext } from './query-context.ts'
import { engineSql, runningPoolLimits } from './query-context.ts'

/** The columns of the file that a run writes, as expressions over c0, c1 … */
export interface AnswerFile {
  readonly projection: ExecuteInput['projection']
  readonly fieldIds: string | null
  /** About this many bytes, and then the next file begins; one file of any size where it is left out. */
  readonly fileBytes?: number
  /** For an answer that may come back by itself where it is small. */
  readonly small?: SmallAnswerTerms
}

/** The files are in the scratch directory, unless the answer came back by itself. */
export interface WrittenAnswer extends Execution {
  readonly runMs: number
}

/** Runs a planned SELECT in an engine process and leaves its answer in a file. */
export async function runSelect(
  context: QueryContext,
  planned: PlannedSelect,
  file: AnswerFile,
): Promise<WrittenAnswer> {
  requireWithinLimit(context, planned.scans)
  const { clock } = context.ports
  const startedMs = clock.monotonicMs()
  const path = answerPath(context, file.fileBytes !== undefined)
  context.scratch.lend()
  if (file.fileBytes !== undefined) await context.ports.disk.makeDirectory(path)
  const spillDirectory = join(context.scratch.path, 'spill')
  const threads = threadsFor(context, planned)
  return await withFiles(context, planned.scans, async (scans, sizes) => {
    const input: ExecuteInput = {
      ...engineSql(context, planned.select),
      ...context.moment,
      projection: file.projection,
      fieldIds: file.fieldIds,
      fileBytes: file.fileBytes ?? null,
      database: engineDatabase(context),
      tables: planned.scans.map(({ plan, snapshot }, index) => ({
        ...engineTable({ database: plan.database, name: plan.table, snapshot }),
        scans: scans[index] ?? [],
      })),
      references: planned.references,
      sizes,
      columnCount: planned.plan.columns.length,
      path,
      spillDirectory,
      limits: { ...context.limits, threads },
      // Running it twice, where it is large after all, must not cost much.
      small: threads === 1 ? (file.small ?? null) : null,
      kept: { owner: `${context.accountId}/${context.principal.userId}`, windows: context.windows },
    }
    const execution = await withDiskWatched(context, (limits) => execute(context, planned, input, limits))
    // Its whole way was through a window, which keeps its links elsewhere.
    if (execution.small !== undefined) context.scratch.giveBackEmpty()
    return { ...execution, runMs: Math.round(clock.monotonicMs() - startedMs) }
  })
}

/** Fewer rows are read by one thread in some ten milliseconds, and for half of what two of them take of the processors together. */
const oneThreadRowsMax = 500_000

function threadsFor({ limits }: QueryContext, { plan, scans }: PlannedSelect): number {
  const rows = scans.reduce((sum, { chunks }) => sum + chunks.reduce((of, chunk) => of + chunk.rows, 0), 0)
  return plan.isOnePass && rows <= oneThreadRowsMax ? 1 : limits.threads
}

async function execute(
  context: QueryContext,
  planned: PlannedSelect,
  input: ExecuteInput,
  limits: PoolLimits,
): Promise<Execution> {
  const bytesToScan = bytesOf(planned.scans)
  context.progress({ stage: 'running', percent: null, bytesToScan })
  return await context.ports.engines.run<Execution>(
    { kind: executeTask, input },
    {
      ...limits,
      onProgress: (value) => context.progress({ stage: 'running', ...(value as ExecutionProgress), bytesToScan }),
    },
  )
}

/** How many objects are fetched at one time where the store is not a directory. */
const fetchesMax = 8

/** Holds local copies of all chunks for as long as `body` runs. */
async function withFiles<T>(
  context: QueryContext,
  scans: readonly ChosenScan[],
  body: (scans: readonly (readonly ScannedFiles[])[], sizes: readonly number[]) => Promise<T>,
): Promise<T> {
  const { objects } = context.ports
  const groups = await Promise.all(scans.map((scan) => readingGroups(context, scan)))
  const waiting = scans.flatMap((scan) => scan.chunks)
  const local = new Map<string, LocalObject>()
  const fetchSome = async (): Promise<void> => {
    for (let chunk = waiting.pop(); chunk !== undefined; chunk = waiting.pop()) {
      context.attempt.signal.throwIfAborted()
      const { objectKey, bytes } = chunk
      // The engine looks whether the file is whole, when it is about to open it.
      local.set(objectKey, await objects.materialize(objectKey, { bytes, onceSeen: true }))
    }
  }
  try {
    const fetches = await Promise.allSettled(Array.from({ length: fetchesMax }, fetchSome))
    for (const fetch of fetches) if (fetch.status === 'rejected') throw fetch.reason
    const pathOf = ({ objectKey }: Chunk): string => must(local.get(objectKey), 'every chunk was fetched').path
    const files = groups.map((of) => of.map(({ changes, chunks }) => ({ changes, files: chunks.map(pathOf) })))
    const sizes = groups.flat().flatMap(({ chunks }) => chunks.map(({ bytes }) => bytes))
    return await body(files, sizes)
  } catch (error) {
    throw await namedDamage(context, scans, local, error)
  } finally {
    for (const object of local.values()) object.release()
  }
}

/** Chunks from before the last change of the columns have to be read by it, as long as they were not written anew. */
async function readingGroups(context: QueryContext, { snapshot, chunks }: ChosenScan): Promise<ChunkGroup[]> {
  const { table } = snapshot
  const areOld = chunks.some(({ schemaVersion }) => schemaVersion < table.restatedVersion)
  return groupChunks(areOld ? await context.ports.store.schemaChanges(table) : [], chunks)
}

function answerPath({ scratch }: QueryContext, isDirectory: boolean): string {
  return join(scratch.path, isDirectory ? 'answer' : 'answer.parquet')
}

const diskSampleEveryMs = 500

/**
 * Runs `body` with limits that end it once its files outgrow the allowance. DuckDB bounds what it spills, but not the file
 * that it writes; and whoever looks from outside can still act when the engine no longer listens.
 */
async function withDiskWatched<T>(context: QueryContext, body: (limits: PoolLimits) => Promise<T>): Promise<T> {
  const limits = runningPoolLimits(context)
  // `AbortSignal.any` would say the same, for several times as much of a processor.
  const over = new AbortController()
  const { signal } = context.attempt
  const follow = (): void => over.abort(signal.reason)
  signal.addEventListener('abort', follow)
  if (signal.aborted) follow()
  const stopWatching = watchDisk(context, over)
  try {
    return await body({ ...limits, signal: over.signal })
  } finally {
    signal.removeEventListener('abort', follow)
    await stopWatching()
  }
}

/** Looks from time to time, until what it returns is called. */
function watchDisk(context: QueryContext, tooLarge: AbortController): () => Promise<void> {
  const { clock } = context.ports
  const { temporaryBytes } = context.limits
  let cancel = (): void => {}
  let looking: Promise<void> = Promise.resolve()
  let isOver = false
  const look = async (): Promise<void> => {
    if ((await scratchBytes(context)) > temporaryBytes) tooLarge.abort(diskExceeded(temporaryBytes))
    else if (!isOver) lookLater()
  }
  const lookLater = (): void => {
    cancel = clock.schedule(diskSampleEveryMs, () => {
      looking = look()
      // Whoever stops the watch is told.
      looking.catch(() => {})
    })
  }
  lookLater()
  return async () => {
    isOver = true
    cancel()
    await looking
  }
}

async function scratchBytes(context: QueryContext): Promise<number> {
  const { disk } = context.ports
  const inside = async (directory: string) => (await disk.list(directory)).map((name) => join(directory, name))
  const spilled = await inside(join(context.scratch.path, 'spill'))
  const parts = await inside(join(answerPath(context, true), filesDirectory))
  const entries = await Promise.all([answerPath(context, false), ...parts, ...spilled].map((path) => disk.stat(path)))
  return entries.reduce((sum, entry) => sum + (entry?.bytes ?? 0), 0)
}

function diskExceeded(temporaryBytes: number): AppError {
  return new AppError(
    'query_disk_exceeded',
    `The result and the temporary files of the query outgrew ${Math.floor(temporaryBytes / 1e6)} MB.`,
    { hint: 'Narrow the time range, select fewer columns, or aggregate.' },
  )
}
