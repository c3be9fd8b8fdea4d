import { join } from 'node:path'

import type { Access } from '../../access/access.ts'
import { AppError, isAppError, must } from '../../base/errors.ts'
import { putChecked } from '../../base/objects/put-checked.ts'
import type { Attempt } from '../../jobs/jobs.ts'
import { fieldIdsClause, queryColumns } from '../../store/columns.ts'
import type { Commit, NewChunk, Store, Table } from '../../store/store.ts'
import { writtenChunk } from '../../store/written-chunk.ts'
import type { Delivery } from '../deliver.ts'
import { withLocalResult } from '../local-result.ts'
import type { FormatParts } from '../result-job.ts'
import type { StoredResult } from '../stored-result.ts'
import type { ExportInput, ExportOutput } from './export-input.ts'
import { exportTask } from './export-input.ts'
import type { ExportColumns } from './target-columns.ts'
import { columnsOfTable, columnsToMake } from './target-columns.ts'

export interface ExportParts extends FormatParts {
  readonly access: Access
  readonly store: Store
}

/** A result, and the time of its rows where they have none: unix seconds. */
export interface ExportSource extends StoredResult {
  readonly defaultTime: number
}

/** Imports and merges go on beside an export; one that loses against them each time is tried again later. */
const roundsMax = 20

/** Puts a result into a table, whole and once, however often the job is tried. Answers how many rows that were. */
export async function exportResult(
  parts: ExportParts,
  attempt: Attempt,
  source: ExportSource,
  delivery: Delivery,
): Promise<{ rows: number }> {
  const principal = await parts.access.asOfNow(delivery.principal)
  await parts.access.require(principal, delivery.database, delivery.mode === 'replace' ? 'full' : 'import')
  const place: Place = { parts, attempt, source, delivery, accountId: principal.accountId }
  for (let round = 1; round <= roundsMax; round += 1) {
    attempt.signal.throwIfAborted()
    const rows = await tryExport(place)
    if (rows !== undefined) return { rows }
  }
  throw new AppError('conflict', `The table "${delivery.database}.${delivery.table}" changed under the export.`, {
    hint: 'The job is tried again by itself, where it may be.',
  })
}

interface Place {
  readonly parts: ExportParts
  readonly attempt: Attempt
  readonly source: ExportSource
  readonly delivery: Delivery
  readonly accountId: number
}

/** Undefined where another commit came first. */
async function tryExport(place: Place): Promise<number | undefined> {
  const { attempt, accountId, delivery, parts } = place
  const uniqueId = `job:${attempt.job.id}:result`
  const table = await existingTable(place)
  const columns = await columnsOf(place, table)
  const chunks = await writtenChunks(place, columns, table?.id ?? 0)
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
  const isReplacing = table !== undefined && delivery.mode === 'replace'
  const commit: Commit = {
    accountId,
    target: columns.target,
    operation: operationOf(delivery, table),
    cause: uniqueId,
    chunks,
    ...(isReplacing && { removed: await chunksOf(place, table) }),
    ids: [{ uniqueId, rows, quarantined: 0 }],
    quarantined: [],
    fence: { jobId: attempt.job.id, leaseToken: attempt.leaseToken },
  }
  const outcome = await parts.store.commit(commit).catch(unlessMade)
  if (outcome === undefined) return undefined
  if (outcome.kind === 'duplicate') return outcome.known[0]?.rows ?? 0
  return outcome.kind === 'committed' ? rows : undefined
}

/** Somebody else may have made the table meanwhile: then the rows go to that one. */
function unlessMade(error: unknown): undefined {
  if (!isAppError(error, 'already_exists')) throw error
}

async function existingTable({ parts, accountId, delivery }: Place): Promise<Table | undefined> {
  try {
    return await parts.store.table(accountId, delivery.database, delivery.table)
  } catch (error) {
    if (isAppError(error, 'table_not_found')) return undefined
    throw error
  }
}

async function columnsOf(
  { parts, accountId, delivery, source }: Place,
  table: Table | undefined,
): Promise<ExportColumns> {
  if (table !== undefined) return columnsOfTable(table, source.columns, source.defaultTime)
  const { id } = await parts.store.database(accountId, delivery.database)
  return columnsToMake(id, delivery, source.columns, source.defaultTime)
}

/** All of the newest snapshot: the rows take their place at once. */
async function chunksOf({ parts, accountId }: Place, table: Table): Promise<string[]> {
  const [newest] = await parts.store.openSnapshot(accountId, [table])
  const always = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
  return (await parts.store.findChunks(must(newest, 'the table is opened'), [always])).map(({ id }) => id)
}

function operationOf({ mode }: Delivery, table: Table | undefined): Commit['operation'] {
  if (table === undefined) return 'create'
  return mode === 'replace' ? 'replace' : 'insert'
}

/** The rows as a file of the table, uploaded and not yet committed; none where there are no rows. */
async function writtenChunks(place: Place, { assigned }: ExportColumns, tableId: number): Promise<NewChunk[]> {
  const { parts, attempt, source, accountId } = place
  const path = join(parts.scratchDirectory, `export-${attempt.job.id}-${attempt.leaseToken}`)
  const columns = queryColumns(assigned.map(({ column }) => column)).map(({ column, queryName }) => ({
    ...column,
    name: queryName,
  }))
  const { memoryBytes, timeoutMs, residentBytesMax } = parts.limits
  await parts.disk.makeDirectory(parts.scratchDirectory)
  try {
    const file = await withLocalResult(parts, attempt, source, async (local) => {
      const input: ExportInput = {
        source: local,
        path,
        projection: assigned.map(({ expression }, index) => ({ expression, name: columns[index]?.name ?? '' })),
        columnCount: source.columns.length,
        fieldIds: fieldIdsClause(columns),
        memoryBytes,
      }
      const limits = { timeoutMs, residentBytesMax, signal: attempt.signal }
      return await parts.engines.run<ExportOutput>({ kind: exportTask, input }, limits)
    })
    if (file.rows === 0) return []
    const chunk = writtenChunk(parts.store.newChunk({ accountId, tableId }), file, columns)
    return [{ ...chunk, crc32: await putChecked(parts, chunk.objectKey, path) }]
  } finally {
    await parts.disk.remove(path)
  }
}
