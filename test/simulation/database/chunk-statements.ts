import { hasOpenTransaction } from '../../../src/base/postgres/open-transactions.ts'
import type { Sql } from '../../../src/base/postgres/postgres.ts'
import { insertChunks, removeChunks, selectChunks } from '../../../src/store/chunks.sql.ts'
import {
  endRequest,
  moveToArchive,
  noteJobs,
  reopenRequests,
  requestMajorMerges,
  selectArchive,
  selectOpenRequests,
  selectRealtime,
} from '../../../src/store/merge/merge.sql.ts'
import {
  deleteDropped,
  deleteRemovals,
  deleteRowsOfDropped,
  expireHistory,
  selectDueRemovals,
  selectKnownChunks,
  selectKnownQuarantine,
} from '../../../src/store/removal.sql.ts'
import type { ColumnStatistics, Layer } from '../../../src/store/store.ts'
import type { ChunkRecord } from './rows.ts'
import type { StatementContext, StatementModels } from './statement-models.ts'
import { model } from './statement-models.ts'

type Ids = readonly string[]
type Numbers = readonly number[]

const table = { accountId: 0, tableId: 0, snapshot: 0, restatedVersion: 1 }
const epoch = new Date(0)

/** What becomes of chunks: they come, are found, merged and removed, and at last their files are. */
export function modelChunkStatements(models: StatementModels): void {
  modelChunks(models)
  modelMerges(models)
  modelMergeRequests(models)
  modelRemovals(models)
}

type InsertedChunks = [
  accountId: number,
  tableId: number,
  version: number,
  snapshot: number,
  ids: Ids,
  from: Numbers,
  to: Numbers,
  rows: Numbers,
  bytes: Numbers,
  objectKeys: Ids,
  statistics: Ids,
  crc32: readonly (number | null)[],
  sortedBy: readonly (string | null)[],
  layers: readonly Layer[],
]

function modelChunks(models: StatementModels): void {
  model<InsertedChunks>(
    models,
    'insertChunks',
    (db) => insertChunks(db, { ...table, schemaVersion: 1 }, []),
    ({ tx, rows, now }, values) => {
      const [accountId, tableId, version, snapshot, ids, from, to, counts, bytes, keys, statistics, ...more] = values
      const [sums, orders, layers] = more
      for (const [index, id] of ids.entries()) {
        const order = orders[index]
        tx.put(rows.chunks, id, {
          id,
          account_id: accountId,
          table_id: tableId,
          layer: layers[index] ?? 'realtime',
          time_from: from[index] ?? 0,
          time_to: to[index] ?? 0,
          rows: counts[index] ?? 0,
          bytes: bytes[index] ?? 0,
          object_key: keys[index] ?? '',
          column_statistics: JSON.parse(statistics[index] ?? '{}') as Record<number, ColumnStatistics>,
          schema_version: version,
          crc32: sums[index] ?? null,
          sorted_by: typeof order === 'string' ? order.slice(1, -1).split(',').map(Number) : null,
          added_snapshot: snapshot,
          created_at: now,
        })
      }
      return []
    },
  )
  model<[Ids, number, number, number]>(models, 'removeChunks', (db) => removeChunks(db, table, []), remove)
  model<[Sql, Sql, Sql]>(
    models,
    'selectChunks',
    (db) => selectChunks(db, { ...table, ranges: null }),
    ({ tx, rows }, [, chosen, limit]) => {
      const [, , tableId, accountId, inTime, snapshot] = chosen.values as [Sql, Sql, number, number, Sql, number]
      if (inTime.values.length > 0 || limit.values.length > 0) throw new Error('the model knows whole snapshots only')
      const ofTable = (row: ChunkRecord): boolean =>
        row.table_id === tableId && row.account_id === accountId && row.added_snapshot <= snapshot
      const removed = tx.all(rows.removedChunks).filter((row) => row.removed_snapshot > snapshot)
      return [...tx.all(rows.chunks), ...removed]
        .filter(ofTable)
        .toSorted((a, b) => a.time_from - b.time_from || (a.id < b.id ? -1 : 1))
    },
  )
}

async function remove(
  { tx, rows, now }: StatementContext,
  [ids, tableId, accountId, snapshot]: [Ids, number, number, number],
): Promise<unknown[]> {
  const gone: ChunkRecord[] = []
  for (const id of ids) {
    if (tx.get(rows.chunks, id) === undefined) continue
    await tx.lock(rows.chunks, id, 'update')
    const row = tx.get(rows.chunks, id)
    if (row === undefined || row.table_id !== tableId || row.account_id !== accountId) continue
    tx.delete(rows.chunks, id)
    tx.put(rows.removedChunks, id, { removed_snapshot: snapshot, removed_at: now, ...row })
    gone.push(row)
  }
  const sum = (of: 'rows' | 'bytes'): number => gone.reduce((total, row) => total + row[of], 0)
  return [
    {
      chunks: gone.length,
      realtimeChunks: gone.filter(({ layer }) => layer === 'realtime').length,
      rows: sum('rows'),
      bytes: sum('bytes'),
      time_from: gone.length === 0 ? null : Math.min(...gone.map((row) => row.time_from)),
      time_to: gone.length === 0 ? null : Math.max(...gone.map((row) => row.time_to)),
    },
  ]
}

function modelMerges(models: StatementModels): void {
  model<[number, number, number]>(
    models,
    'selectRealtime',
    (db) => selectRealtime(db, table),
    ({ tx, rows }, [tableId, , version]) =>
      tx
        .all(rows.chunks)
        .filter((row) => row.table_id === tableId && row.layer === 'realtime' && row.schema_version >= version)
        .map((row) => ({ ...row, without_nan: [] })),
  )
  model<[number, number, number, number, number]>(
    models,
    'selectArchive',
    (db) => selectArchive(db, table, { from: 0, to: 1 }),
    ({ tx, rows }, [tableId, , from, to, version]) =>
      tx
        .all(rows.chunks)
        .filter((row) => row.table_id === tableId && row.layer === 'archive' && row.schema_version >= version)
        .filter((row) => row.time_from < to && row.time_to > from),
  )
  model<[number, number, Ids]>(
    models,
    'moveToArchive',
    (db) => moveToArchive(db, table, []),
    async ({ tx, rows }, [tableId, , ids]) => {
      await tx.lock(rows.tables, tableId, 'update')
      let moved = 0
      for (const id of ids) {
        const row = tx.get(rows.chunks, id)
        if (row?.layer !== 'realtime' || row.table_id !== tableId) continue
        tx.put(rows.chunks, id, { ...row, layer: 'archive' })
        moved += 1
      }
      const held = tx.get(rows.tables, tableId)
      if (held !== undefined) {
        tx.put(rows.tables, tableId, { ...held, realtime_chunks: held.realtime_chunks - moved })
      }
      return []
    },
  )
}

function modelMergeRequests(models: StatementModels): void {
  model<[Date, number]>(
    models,
    'requestMajorMerges',
    (db) => requestMajorMerges(db, { settled: epoch, openHour: 0 }),
    async ({ tx, rows, now }, [settled, openHour]) => {
      const inserted: unknown[] = []
      const due = tx.all(rows.chunks).filter((row) => {
        return row.layer === 'realtime' && row.created_at <= settled && row.time_from < openHour
      })
      for (const tableId of new Set(due.map((row) => row.table_id))) {
        await tx.lock(rows.mergeRequests, tableId, 'update')
        const owner = tx.get(rows.tables, tableId)
        if (owner === undefined || tx.get(rows.mergeRequests, tableId) !== undefined) continue
        const request = {
          table_id: tableId,
          account_id: owner.account_id,
          requested_at: now,
          job_id: null,
          again: false,
        }
        tx.put(rows.mergeRequests, tableId, request)
        inserted.push({})
      }
      return inserted
    },
  )
  model<[number]>(
    models,
    'selectOpenRequests',
    (db) => selectOpenRequests(db, 0),
    ({ tx, rows }, [limit]) =>
      tx
        .all(rows.mergeRequests)
        .filter(({ job_id: jobId }) => jobId === null)
        .toSorted((a, b) => a.requested_at.getTime() - b.requested_at.getTime())
        .slice(0, limit)
        .map((row) => ({ requested_us: row.requested_at.getTime() * 1000, ...row })),
  )
  model<[Numbers, Numbers, Numbers]>(
    models,
    'noteJobs',
    (db) => noteJobs(db, []),
    async ({ tx, rows }, [tableIds, requestedUs, jobIds]) => {
      for (const [index, tableId] of tableIds.entries()) {
        await tx.lock(rows.mergeRequests, tableId, 'no key update')
        const row = tx.get(rows.mergeRequests, tableId)
        if (row?.job_id !== null || row.requested_at.getTime() * 1000 !== requestedUs[index]) continue
        tx.put(rows.mergeRequests, tableId, { ...row, job_id: jobIds[index] ?? 0 })
      }
      return []
    },
  )
  model<[number, number]>(
    models,
    'endRequest',
    (db) => endRequest(db, 0),
    async ({ tx, rows, now }, [tableId]) => {
      const asked = tx.get(rows.mergeRequests, tableId)
      if (asked === undefined) return []
      await tx.lock(rows.mergeRequests, tableId, 'update')
      const row = tx.get(rows.mergeRequests, tableId)
      // Each part of the statement acts on what it saw at the beginning, if that still holds.
      if (row === undefined || row.again !== asked.again) return []
      if (!row.again) tx.delete(rows.mergeRequests, tableId)
      else tx.put(rows.mergeRequests, tableId, { ...row, job_id: null, again: false, requested_at: now })
      return []
    },
  )
  model<[Date]>(
    models,
    'reopenRequests',
    (db) => reopenRequests(db, epoch),
    async ({ tx, rows, now }, [before]) => {
      for (const { table_id: tableId } of tx.all(rows.mergeRequests)) {
        const isForgotten = (): boolean => {
          const row = tx.get(rows.mergeRequests, tableId)
          if (row === undefined || row.job_id === null || row.requested_at >= before) return false
          return tx.get(rows.waiting, row.job_id) === undefined && tx.get(rows.running, row.job_id) === undefined
        }
        if (!isForgotten()) continue
        await tx.lock(rows.mergeRequests, tableId, 'no key update')
        const row = tx.get(rows.mergeRequests, tableId)
        if (row !== undefined && isForgotten()) {
          tx.put(rows.mergeRequests, tableId, { ...row, job_id: null, requested_at: now })
        }
      }
      return []
    },
  )
}

function modelRemovals(models: StatementModels): void {
  const at = { now: epoch, removedBefore: epoch, droppedBefore: epoch }
  model<[Date, number]>(
    models,
    'selectDueRemovals',
    (db) => selectDueRemovals(db, epoch, 0),
    ({ rows }, [now, limit]) =>
      [...rows.objectRemovals.rows]
        .filter(([, removeAfter]) => removeAfter <= now)
        .slice(0, limit)
        .map(([key]) => ({ object_key: key })),
  )
  model<[Ids]>(
    models,
    'deleteRemovals',
    (db) => deleteRemovals(db, []),
    async ({ tx, rows }, [keys]) => {
      for (const key of keys) {
        await tx.lock(rows.objectRemovals, key, 'update')
        tx.delete(rows.objectRemovals, key)
      }
      return []
    },
  )
  // Nobody drops tables here.
  model(
    models,
    'deleteRowsOfDropped',
    (db) => deleteRowsOfDropped(db, at, 0),
    () => [],
  )
  model(
    models,
    'deleteDropped',
    (db) => deleteDropped(db, at),
    () => [],
  )
  model<[Date, Date, number, Date]>(models, 'expireHistory', (db) => expireHistory(db, at, 0), expire)
  model<[number]>(
    models,
    'hasOpenTransaction',
    (db) => hasOpenTransaction(db, 0),
    ({ tx, now, open }, [olderThanSeconds]) => {
      const beforeMs = now.getTime() - olderThanSeconds * 1000
      return [...open].some((other) => other !== tx && other.begunMs < beforeMs) ? [{}] : []
    },
  )
  model<[Ids]>(
    models,
    'selectKnownChunks',
    (db) => selectKnownChunks(db, []),
    ({ tx, rows }, [ids]) =>
      ids
        .filter((id) => tx.get(rows.chunks, id) !== undefined || tx.get(rows.removedChunks, id) !== undefined)
        .map((id) => ({ id })),
  )
  model(
    models,
    'selectKnownQuarantine',
    (db) => selectKnownQuarantine(db, []),
    () => [],
  )
}

async function expire(
  { tx, rows }: StatementContext,
  [removedBefore, , limit, now]: [Date, Date, number, Date],
): Promise<unknown[]> {
  const old = tx
    .all(rows.removedChunks)
    .filter((row) => {
      const owner = tx.get(rows.tables, row.table_id)
      if (owner === undefined || row.removed_at > removedBefore) return false
      const keptMs = owner.history_hours * 3_600_000
      const isPast = row.removed_at.getTime() <= removedBefore.getTime() - keptMs
      return row.removed_snapshot <= owner.oldest_snapshot || isPast
    })
    .filter(({ id }) => tx.tryLock(rows.removedChunks, id, 'update'))
    .filter(({ id }) => tx.get(rows.removedChunks, id) !== undefined)
    .slice(0, limit)
  for (const row of old) {
    tx.delete(rows.removedChunks, row.id)
    await tx.lock(rows.tables, row.table_id, 'no key update')
    const owner = tx.get(rows.tables, row.table_id)
    if (owner !== undefined) {
      const oldest = Math.max(owner.oldest_snapshot, row.removed_snapshot)
      tx.put(rows.tables, row.table_id, { ...owner, oldest_snapshot: oldest })
    }
    await tx.lock(rows.objectRemovals, row.object_key, 'update')
    if (tx.get(rows.objectRemovals, row.object_key) === undefined) {
      tx.put(rows.objectRemovals, row.object_key, now)
    }
  }
  return old.map(() => ({}))
}
