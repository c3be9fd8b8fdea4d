import { join } from 'node:path'

import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { EnginePool } from '../../base/engines/engines.ts'
import { assert, must } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import { putChecked } from '../../base/objects/put-checked.ts'
import type { Attempt } from '../../jobs/jobs.ts'
import { queryColumns, timeColumn } from '../columns.ts'
import { withLocalFiles } from '../local-files.ts'
import type { Column, NewChunk, Store, Table } from '../store.ts'
import { writtenChunk } from '../written-chunk.ts'
import type { Merge, MergeableChunk } from './plan-merges.ts'
import { sortOrder } from './sort-order.ts'
import type { MergeInput, MergeLimits, MergeOutput } from './tasks.ts'
import { mergeTask } from './tasks.ts'

export interface MergeTools {
  readonly store: Store
  readonly objects: ObjectStore
  /** Their entry serves `mergeTask`. */
  readonly engines: EnginePool
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Logger
  /** Where files lie while they are made. */
  readonly scratchDirectory: string
  readonly limits: MergeLimits & {
    /** Of the engine process. */
    readonly residentBytesMax: number
    readonly timeoutMs: number
  }
}

export interface MergeSource extends MergeableChunk {
  readonly objectKey: string
  readonly crc32: number | null
  /** Of realtime chunks, which may be joined as they are: the columns of doubles that have no NaN. */
  readonly withoutNan?: readonly number[]
}

/** A merge whose result takes the place of other chunks than its inputs: those that came of them before, and are damaged. */
export interface RepeatedMerge extends Merge<MergeSource> {
  readonly replaced: readonly string[]
}

/** Which chunks came in the place of which. */
export interface PerformedMerge {
  readonly added: readonly NewChunk[]
  readonly removed: readonly MergeSource[]
}

/**
 * Merges chunks and puts the result in their place. Undefined where the table changed meanwhile: nothing was done then, and the
 * merge has to be planned anew.
 */
export async function performMerge(
  tools: MergeTools,
  attempt: Attempt,
  table: Table,
  merge: Merge<MergeSource> | RepeatedMerge,
): Promise<PerformedMerge | undefined> {
  const name = `merge-${attempt.job.id}-${attempt.leaseToken}-${merge.inputs[0]?.id}`
  const directory = join(tools.scratchDirectory, name)
  await tools.disk.makeDirectory(directory)
  try {
    const inputs = merge.inputs.toSorted((a, b) => a.timeRange.from - b.timeRange.from)
    const output = await withLocalFiles(
      { objects: tools.objects, table, chunks: inputs, signal: attempt.signal },
      (files) => mergeInEngine(tools, attempt, { table, merge: { ...merge, inputs }, files, directory }),
    )
    const added = await upload(tools, table, { ...merge, inputs }, output)
    const removed = inputs.filter((_input, index) => !output.unchanged.includes(index))
    const [came, went] = [sumOfRows(removed), sumOfRows(added)]
    assert(came === went, `a merge of ${came} rows has ${went}`)
    return await commit(tools, attempt, { table, merge, added, removed })
  } finally {
    await tools.disk.removeDirectory(directory)
  }
}

async function mergeInEngine(
  { engines, limits }: MergeTools,
  attempt: Attempt,
  job: { table: Table; merge: Merge<MergeSource>; files: readonly string[]; directory: string },
): Promise<MergeOutput> {
  const { inputs, layer, unchangedMax = 0 } = job.merge
  const { residentBytesMax, timeoutMs, ...sessionLimits } = limits
  const input: MergeInput = {
    files: inputs.map(({ rows, bytes, crc32, withoutNan = [] }, index) => {
      return { path: must(job.files[index], 'each input has a file'), rows, bytes, crc32, withoutNan }
    }),
    columns: fileColumns(job.table),
    sortedBy: sortOrder(job.table, layer).names,
    layer,
    unchangedMax,
    directory: job.directory,
    limits: sessionLimits,
  }
  const poolLimits = { timeoutMs, residentBytesMax, signal: attempt.signal }
  return await engines.run<MergeOutput>({ kind: mergeTask, input }, poolLimits)
}

/** Under the names by which SQL tells them apart. */
function fileColumns(table: Table): Column[] {
  return queryColumns(table.columns).map(({ column, queryName }) => ({ ...column, name: queryName }))
}

async function upload(
  tools: MergeTools,
  table: Table,
  { inputs, layer }: Merge,
  { joined, written }: MergeOutput,
): Promise<NewChunk[]> {
  const chunks: NewChunk[] = []
  const put = async (path: string) => {
    const place = tools.store.newChunk({ accountId: table.accountId, tableId: table.id })
    return { ...place, crc32: await putChecked(tools, place.objectKey, path) }
  }
  for (const { path, bytes, known, inputs: indexes } of joined) {
    const parts = indexes.map((index) => must(inputs[index], 'a joined file is made of inputs'))
    chunks.push({ ...(await put(path)), ...known, bytes, ...orderOf(parts) })
  }
  for (const { files, fieldIds } of written) {
    const columns = fileColumns(table).filter(({ fieldId }) => fieldIds.includes(fieldId))
    const sortedBy = sortOrder(table, layer).fieldIds
    for (const file of files) {
      const { crc32, ...place } = await put(file.path)
      chunks.push({ sortedBy, ...writtenChunk(place, file, columns), crc32 })
    }
  }
  return chunks
}

function sumOfRows(chunks: readonly { readonly rows: number }[]): number {
  return chunks.reduce((sum, { rows }) => sum + rows, 0)
}

/** Files that lie beside one another are in order of time where each is, and none begins before the one ahead of it ends. */
function orderOf(inputs: readonly MergeableChunk[]): Pick<NewChunk, 'sortedBy'> {
  const byTime = inputs.every(({ sortedBy, timeRange }, index) => {
    const before = inputs[index - 1]
    const isBehind = before === undefined || before.timeRange.to - 1 <= timeRange.from
    return sortedBy?.join() === String(timeColumn.fieldId) && isBehind
  })
  return byTime ? { sortedBy: [timeColumn.fieldId] } : {}
}

async function commit(
  { store, objects, log }: MergeTools,
  attempt: Attempt,
  merged: PerformedMerge & { readonly table: Table; readonly merge: Merge<MergeSource> | RepeatedMerge },
): Promise<PerformedMerge | undefined> {
  const { table, merge, added, removed } = merged
  const outcome = await store.commit({
    accountId: table.accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'merge',
    cause: `job:${attempt.job.id}`,
    layer: merge.layer,
    chunks: added,
    removed: 'replaced' in merge ? merge.replaced : removed.map(({ id }) => id),
    ids: [],
    quarantined: [],
    fence: { jobId: attempt.job.id, leaseToken: attempt.leaseToken },
  })
  if (outcome.kind === 'committed') return { added, removed }
  log.info({ table: table.id, outcome: outcome.kind, job: attempt.job.id }, 'a merge came too late and is planned anew')
  for (const { objectKey } of added) await objects.remove(objectKey)
  return undefined
}
