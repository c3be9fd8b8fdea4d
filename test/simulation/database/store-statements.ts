import type { Sql } from '../../../src/base/postgres/postgres.ts'
import { selectTable, selectTablesByName } from '../../../src/store/catalog.sql.ts'
import {
  advanceTable,
  holdLease,
  insertAppliedIds,
  insertAppliedPlaces,
  insertArrival,
  lockTable,
  selectAppliedIds,
  selectAppliedPlaces,
} from '../../../src/store/commit.sql.ts'
import { insertQuarantine } from '../../../src/store/quarantine/quarantine.sql.ts'
import type { Operation } from '../../../src/store/store.ts'
import type { PlacesRecord, TableRecord } from './rows.ts'
import type { StatementContext, StatementModels } from './statement-models.ts'
import { model } from './statement-models.ts'

type Ids = readonly string[]
type Numbers = readonly number[]

const table = { accountId: 0, tableId: 0, snapshot: 0 }
const noChunks = { chunks: 0, realtimeChunks: 0, rows: 0, bytes: 0, time_from: null, time_to: null }

/** What the commit of the store asks of PostgreSQL, and what readers of a snapshot do. */
export function modelStoreStatements(models: StatementModels): void {
  modelTables(models)
  modelAppliedIds(models)
  modelAppliedPlaces(models)
  model<[Ids | number, unknown, unknown, number | null, Ids, unknown, unknown, Ids]>(
    models,
    'insertQuarantine',
    (db) => insertQuarantine(db, { accountId: 0, database: '', table: '', tableId: null }, []),
    ({ tx, rows }, [, , , tableId, uniqueIds, , , reasons]) => {
      for (const [index, unique_id] of uniqueIds.entries()) {
        const id = rows.next('quarantine')
        tx.put(rows.quarantine, id, { id, table_id: tableId, unique_id, reason: reasons[index] ?? '' })
      }
      return []
    },
  )
}

function modelTables(models: StatementModels): void {
  model<[number, number]>(
    models,
    'lockTable',
    (db) => lockTable(db, 0, 0),
    async ({ tx, rows }, [accountId, id]) => {
      if (tx.get(rows.tables, id)?.account_id !== accountId) return []
      await tx.lock(rows.tables, id, 'update')
      const row = tx.get(rows.tables, id)
      return row === undefined ? [] : [shownTable(row)]
    },
  )
  model<[Sql, number, Ids, Ids]>(
    models,
    'selectTablesByName',
    (db) => selectTablesByName(db, 0, []),
    ({ tx, rows }, [, accountId, databases, names]) =>
      tx
        .all(rows.tables)
        .filter((row) => row.account_id === accountId)
        .filter((row) => names.some((name, index) => row.name === name && row.database === databases[index]))
        .map(shownTable),
  )
  model<[Sql, number, number]>(
    models,
    'selectTable',
    (db) => selectTable(db, 0, 0),
    ({ tx, rows }, [, accountId, id]) => {
      const row = tx.get(rows.tables, id)
      return row?.account_id === accountId ? [shownTable(row)] : []
    },
  )
  model<AdvanceValues>(
    models,
    'advanceTable',
    (db) =>
      advanceTable(db, {
        ...table,
        operation: 'import',
        cause: '',
        added: noChunks,
        removed: noChunks,
        nextFieldId: null,
      }),
    advance,
  )
  model(
    models,
    'insertArrival',
    (db) => insertArrival(db, { ...table, cause: '', rows: 0, bytes: 0, kind: 'new', timeRange: { from: 0, to: 1 } }),
    () => [],
  )
}

/** Written out, as all that follows: a spread of so many members takes as long as the rest of the statement. */
function shownTable(row: TableRecord): unknown {
  return {
    id: row.id,
    account_id: row.account_id,
    database_id: row.database_id,
    database: row.database,
    name: row.name,
    snapshot: row.snapshot,
    schema_version: row.schema_version,
    next_field_id: row.next_field_id,
    rows: row.rows,
    bytes: row.bytes,
    chunks: row.chunks,
    realtime_chunks: row.realtime_chunks,
    history_hours: row.history_hours,
    oldest_snapshot: row.oldest_snapshot,
    created_at: row.created_at,
    updated_at: row.created_at,
    restated_version: 1,
    expire_days: null,
    schema_mode: 'evolve',
    cluster_columns: [],
    columns: [],
    dropped: false,
  }
}

type AdvanceValues = readonly [
  snapshot: number,
  nextFieldId: number | null,
  again: number | null,
  rows: number,
  bytes: number,
  chunks: number,
  realtimeChunks: number,
  tableId: number,
  accountId: number,
  requested: Sql,
  ofSnapshot: number,
  inTable: number,
  asSnapshot: number,
  operation: Operation,
  cause: string,
  rowsAdded: number,
  rowsRemoved: number,
]

async function advance({ tx, rows, now }: StatementContext, values: AdvanceValues): Promise<unknown[]> {
  const [snapshot, nextFieldId, , rowsMore, bytesMore, chunksMore, realtimeMore, tableId, accountId, requested] = values
  const [operation, cause, rowsAdded, rowsRemoved] = values.slice(13) as [Operation, string, number, number]
  await tx.lock(rows.tables, tableId, 'no key update')
  const before = tx.get(rows.tables, tableId)
  if (before === undefined || before.account_id !== accountId) return []
  const after = {
    id: before.id,
    account_id: before.account_id,
    database_id: before.database_id,
    database: before.database,
    name: before.name,
    snapshot,
    schema_version: before.schema_version + (nextFieldId === null ? 0 : 1),
    next_field_id: nextFieldId ?? before.next_field_id,
    rows: before.rows + rowsMore,
    bytes: before.bytes + bytesMore,
    chunks: before.chunks + chunksMore,
    realtime_chunks: before.realtime_chunks + realtimeMore,
    history_hours: before.history_hours,
    oldest_snapshot: before.oldest_snapshot,
    created_at: before.created_at,
  }
  tx.put(rows.tables, tableId, after)
  tx.put(rows.snapshots, `${tableId}/${snapshot}`, {
    table_id: tableId,
    snapshot,
    operation,
    cause,
    rows_added: rowsAdded,
    rows_removed: rowsRemoved,
  })
  const [, , perRequest] = requested.values as [number, number, number]
  const isDue =
    Math.trunc(after.realtime_chunks / perRequest) > Math.trunc((after.realtime_chunks - realtimeMore) / perRequest)
  if (!isDue) return []
  await tx.lock(rows.mergeRequests, tableId, 'no key update')
  const known = tx.get(rows.mergeRequests, tableId)
  if (known === undefined) {
    const request = { table_id: tableId, account_id: accountId, requested_at: now, job_id: null, again: false }
    tx.put(rows.mergeRequests, tableId, request)
  } else if (!known.again) tx.put(rows.mergeRequests, tableId, { ...known, again: true })
  return []
}

function modelAppliedIds(models: StatementModels): void {
  model<[number, number]>(
    models,
    'holdLease',
    (db) => holdLease(db, { jobId: 0, leaseToken: 0 }),
    async ({ tx, rows }, [leaseToken, jobId]) => {
      if (tx.get(rows.running, jobId)?.lease_token !== leaseToken) return []
      await tx.lock(rows.running, jobId, 'key share')
      return tx.get(rows.running, jobId)?.lease_token === leaseToken ? [{}] : []
    },
  )
  model<[number, number, number, Ids, Numbers, Numbers]>(
    models,
    'insertAppliedIds',
    (db) => insertAppliedIds(db, table, []),
    async ({ tx, rows }, [accountId, tableId, snapshot, uniqueIds, counts, quarantined]) => {
      const inserted: unknown[] = []
      for (const [index, unique_id] of uniqueIds.entries()) {
        const key = `${tableId}/${unique_id}`
        await tx.lock(rows.appliedIds, key, 'update')
        if (tx.get(rows.appliedIds, key) !== undefined) continue
        tx.put(rows.appliedIds, key, {
          account_id: accountId,
          table_id: tableId,
          unique_id,
          snapshot,
          rows: counts[index] ?? 0,
          quarantined: quarantined[index] ?? 0,
        })
        inserted.push({ unique_id })
      }
      return inserted
    },
  )
  model<[number, number, Ids]>(
    models,
    'selectAppliedIds',
    (db) => selectAppliedIds(db, table, []),
    ({ tx, rows }, [, tableId, uniqueIds]) =>
      [...new Set(uniqueIds)].toSorted().flatMap((uniqueId) => {
        const found = tx.get(rows.appliedIds, `${tableId}/${uniqueId}`)
        return found === undefined ? [] : [{ uniqueId, rows: found.rows, quarantined: found.quarantined }]
      }),
  )
}

/** As the statement's: table, segment, part. */
type PlacesOfTable = Pick<PlacesRecord, 'table_id' | 'segment' | 'from' | 'to'>

function touching({ tx, rows }: StatementContext, { table_id: tableId, segment, from, to }: PlacesOfTable) {
  return tx
    .all(rows.appliedPlaces)
    .filter((known) => known.table_id === tableId && known.segment === segment)
    .filter((known) => known.from < to && known.to > from)
    .toSorted((a, b) => a.from - b.from)
}

function modelAppliedPlaces(models: StatementModels): void {
  model<[number, number, string, number, Numbers, Numbers, Numbers, Numbers]>(
    models,
    'insertAppliedPlaces',
    (db) => insertAppliedPlaces(db, table, { segment: '', ranges: [] }),
    async (context, [accountId, tableId, segment, snapshot, froms, tos, counts, quarantined]) => {
      const { tx, rows } = context
      const fresh = froms
        .map((from, index) => ({
          account_id: accountId,
          table_id: tableId,
          segment,
          from,
          to: tos[index] ?? 0,
          snapshot,
          rows: counts[index] ?? 0,
          quarantined: quarantined[index] ?? 0,
        }))
        .filter((range) => touching(context, range).length === 0)
      for (const range of fresh) {
        const key = `${tableId}/${segment}/${range.from}`
        await tx.lock(rows.appliedPlaces, key, 'update')
        tx.put(rows.appliedPlaces, key, range)
      }
      return fresh.map(({ from }) => ({ from_byte: from }))
    },
  )
  model<[number, number, string, number, number, number]>(
    models,
    'selectAppliedPlaces',
    (db) => selectAppliedPlaces(db, table, { segment: '', from: 0, to: 0 }),
    (context, [accountId, tableId, segment, to, from, before]) =>
      touching(context, { table_id: tableId, segment, from, to })
        .filter((known) => known.account_id === accountId && known.snapshot < before)
        .map(({ from: first, to: end, rows, quarantined }) => ({ from: first, to: end, rows, quarantined })),
  )
}
