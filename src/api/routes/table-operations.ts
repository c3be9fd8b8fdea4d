import type { Access, Principal } from '../../access/access.ts'
import { AppError } from '../../base/errors.ts'
import type { Job, Jobs } from '../../jobs/jobs.ts'
import { finishedStates } from '../../jobs/jobs.ts'
import type { Process } from '../../process/process.ts'
import { queryColumns } from '../../store/columns.ts'
import type { AsOf, Once, Snapshot, Store, Table, TableName } from '../../store/store.ts'
import { quotedName } from '../../store/types.ts'
import { apiPrefix } from '../contract/operation.ts'
import {
  deleteRows,
  diffSnapshots,
  listSnapshots,
  purgeHistory,
  renameTable,
  swapTables,
  truncateTable,
  undropTable,
  updateTable,
} from '../contract/table-operations.ts'
import { cursorBefore, idOfCursor, pageBy } from '../cursor.ts'
import { jobJson } from '../job-json.ts'
import type { OperationHost } from '../serve-operation.ts'
import { serveOperation } from '../serve-operation.ts'
import { requireSight } from '../sight.ts'
import { tableJson } from '../table-json.ts'

interface Parts {
  readonly access: Access
  readonly store: Store
  readonly process: Process
  readonly jobs: Jobs
}

export function serveTableOperations(host: OperationHost, parts: Parts): void {
  serveNames(host, parts)
  serveProperties(host, parts)
  serveRows(host, parts)
  serveHistory(host, parts)
}

const nameOf = (params: { database: string; table: string }): TableName => ({
  database: params.database,
  name: params.table,
})

const onceOf = (key: string | undefined): Once | undefined =>
  key === undefined ? undefined : { uniqueId: `api:${key}` }

function serveNames(host: OperationHost, { access, store }: Parts): void {
  serveOperation(host, renameTable).with(async ({ principal, params, body }) => {
    const to = { database: body.database ?? params.database, name: body.name }
    await access.require(principal, params.database, 'full')
    await access.require(principal, to.database, 'full')
    const once = onceOf(body.idempotency_key)
    return { status: 200, body: tableJson(await store.renameTable(principal.accountId, nameOf(params), to, once)) }
  })

  serveOperation(host, swapTables).with(async ({ principal, params, body }) => {
    const other = { database: body.database ?? params.database, name: body.with }
    await access.require(principal, params.database, 'full')
    await access.require(principal, other.database, 'full')
    await store.swapTables(principal.accountId, nameOf(params), other, onceOf(body.idempotency_key))
    return { status: 204 }
  })

  serveOperation(host, undropTable).with(async ({ principal, params }) => {
    await access.require(principal, params.database, 'full')
    return { status: 200, body: tableJson(await store.undropTable(principal.accountId, nameOf(params))) }
  })
}

function serveProperties(host: OperationHost, { access, store }: Parts): void {
  serveOperation(host, updateTable).with(async ({ principal, params, body }) => {
    await access.require(principal, params.database, 'full')
    const table = await store.table(principal.accountId, params.database, params.table)
    const { expire_days: expireDays, history_hours: historyHours, schema_mode: schemaMode, cluster_by: names } = body
    const changed = await store.setProperties(principal.accountId, nameOf(params), {
      ...(expireDays !== undefined && { expireDays }),
      ...(historyHours !== undefined && { historyHours }),
      ...(schemaMode !== undefined && { schemaMode }),
      ...(names !== undefined && { clusterColumns: names.map((name) => fieldIdOf(table, name)) }),
    })
    return { status: 200, body: tableJson(changed) }
  })

  serveOperation(host, purgeHistory).with(async ({ principal, params }) => {
    await access.require(principal, params.database, 'full')
    return { status: 200, body: { chunks: await store.purgeHistory(principal.accountId, nameOf(params)) } }
  })
}

function fieldIdOf(table: Table, name: string): number {
  const found = queryColumns(table.columns).find(({ queryName }) => queryName.toLowerCase() === name.toLowerCase())
  if (found !== undefined) return found.column.fieldId
  throw new AppError('invalid_request', `“cluster_by” names ${JSON.stringify(name)}, which is no column of the table.`)
}

/** What reads and writes files is done by workers: a statement of SQL, as a job. */
function serveRows(host: OperationHost, { access, store, process, jobs }: Parts): void {
  const submit = async (
    principal: Principal,
    params: { database: string; table: string },
    sql: (table: string) => string,
    options: { idempotency_key?: string | undefined; wait_seconds: number; nobodyWaits: () => AbortSignal },
  ): Promise<Job> => {
    await access.require(principal, params.database, 'full')
    await store.table(principal.accountId, params.database, params.table)
    const { job } = await process.submitQuery(principal, {
      sql: sql(`${quotedName(params.database)}.${quotedName(params.table)}`),
      database: params.database,
      ...(options.idempotency_key !== undefined && { idempotencyKey: options.idempotency_key }),
    })
    if (options.wait_seconds === 0) return job
    return await jobs.wait(principal.accountId, job.id, options.wait_seconds * 1000, options.nobodyWaits())
  }

  serveOperation(host, truncateTable).with(async ({ principal, params, body, nobodyWaits }) =>
    jobAnswer(await submit(principal, params, (table) => `TRUNCATE TABLE ${table}`, { ...body, nobodyWaits })),
  )

  serveOperation(host, deleteRows).with(async ({ principal, params, body, nobodyWaits }) => {
    const { from, to } = body
    const sql = (table: string) => `DELETE FROM ${table} WHERE time >= ${from} AND time < ${to}`
    return jobAnswer(await submit(principal, params, sql, { ...body, nobodyWaits }))
  })
}

function jobAnswer(job: Job) {
  const status = finishedStates.has(job.state) ? 200 : 202
  return { status, body: jobJson(job), headers: { location: `${apiPrefix}/jobs/${job.id}` } } as const
}

function serveHistory(host: OperationHost, { access, store }: Parts): void {
  serveOperation(host, listSnapshots).with(async ({ principal, params, query }) => {
    await requireSight(access, principal, params.database)
    const before = idOfCursor(query.cursor)
    const page = { limit: query.limit + 1, ...(before !== undefined && { before }) }
    const snapshots = await store.listSnapshots(principal.accountId, nameOf(params), page)
    const { rows, nextCursor } = pageBy(snapshots, query.limit, ({ snapshot }) => cursorBefore(snapshot))
    return { status: 200, body: { items: rows.map(snapshotJson), next_cursor: nextCursor } }
  })

  serveOperation(host, diffSnapshots).with(async ({ principal, params, query }) => {
    await requireSight(access, principal, params.database)
    const { snapshot } = await store.table(principal.accountId, params.database, params.table)
    const to = query.to === undefined ? { snapshot } : asOf(query.to)
    const diff = await store.diffSnapshots(principal.accountId, nameOf(params), asOf(query.from), to)
    return { status: 200, body: { ...diff, operations: [...diff.operations] } }
  })
}

function asOf(text: string): AsOf {
  if (/^\d+$/.test(text)) return { snapshot: Number(text) }
  const time = new Date(text)
  if (!Number.isNaN(time.getTime())) return { time }
  throw new AppError('invalid_request', `“${text}” is not a time.`, { hint: 'Write 2026-01-31T12:00:00Z.' })
}

function snapshotJson(snapshot: Snapshot) {
  return {
    snapshot: snapshot.snapshot,
    committed_at: snapshot.committedAt.toISOString(),
    operation: snapshot.operation,
    cause: snapshot.cause,
    schema_version: snapshot.schemaVersion,
    rows: snapshot.rows,
    bytes: snapshot.bytes,
    chunks: snapshot.chunks,
    added: snapshot.added,
    removed: snapshot.removed,
    kept: snapshot.isKept,
  }
}
