import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'

import type { Clock } from '../../base/clock.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { copiedFile } from '../../base/duckdb/copied-file.ts'
import { inProcessEngines } from '../../base/engines/testing/in-process-engines.ts'
import { must } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import { openDirectoryStore } from '../../base/objects/directory-store.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import { putChecked } from '../../base/objects/put-checked.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Attempt } from '../../jobs/jobs.ts'
import { openJobs } from '../../jobs/open-jobs.ts'
import { fieldIdsClause, fileSchemaClause } from '../columns.ts'
import { storeEngineHandlers } from '../engine-handlers.ts'
import type { MergeJobOptions, MergeSummary } from '../merge/merge-job.ts'
import { mergeJob, mergeKind } from '../merge/merge-job.ts'
import { openStore } from '../open-store.ts'
import type { RestateJobOptions, RestateSummary } from '../schema/restate-job.ts'
import { restateJob, restateKind } from '../schema/restate-job.ts'
import type { Column, Commit, CommitOutcome, NewChunk, Store, Table } from '../store.ts'
import type { LogicalType } from '../types.ts'
import { duckdbFileType, quotedName } from '../types.ts'
import { writtenChunk } from '../written-chunk.ts'

/** A store with real files in it, and the jobs that merge them. */
export interface MergeBench {
  readonly store: Store
  readonly postgres: Postgres
  readonly objects: ObjectStore
  /** The directory in which they lie, for another server over them. */
  readonly objectsDirectory: string
  readonly accountId: number
  /** The options of the merge job, for another over other ports. */
  readonly options: MergeJobOptions
  /** Unix milliseconds of the store's clock, which goes on from there. */
  setClock(ms: number): void
  createTable(name: string, columns: readonly { name: string; type: LogicalType }[]): Promise<Table>
  table(name: string): Promise<Table>
  /** Writes the rows of a SELECT, whose columns are some of the table's, as a chunk and uploads it. */
  write(table: Table, select: string): Promise<NewChunk>
  /** Commits chunks as imports do. */
  add(table: Table, chunks: readonly NewChunk[], uniqueId?: string): Promise<CommitOutcome>
  /** One job that looks after the table. */
  merge(table: Table, options?: Partial<MergeJobOptions>): Promise<MergeSummary>
  /** One job that brings the table's files up to the last change of its columns. */
  restate(table: Table, options?: Partial<RestateJobOptions>): Promise<RestateSummary>
  /** What bare DuckDB reads from the chunks of the newest snapshot, as JSON; `from rows` are all of them. */
  scan(name: string, query: string): Promise<unknown[]>
  close(): Promise<void>
}

export async function openMergeBench(database: { postgres: Postgres; close(): Promise<void> }): Promise<MergeBench> {
  const { postgres } = database
  const folder = await mkdtemp(join(tmpdir(), 'biwa-merge-'))
  let offsetMs = 0
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + offsetMs }
  const ports = { clock, randomness: systemRandomness, disk: systemDisk, log: openLog('silent') }
  const objectsDirectory = join(folder, 'objects')
  const objects = await openDirectoryStore({ root: objectsDirectory, ...ports })
  const store = openStore({ postgres, objects, removalGraceSeconds: 3600, ...ports })
  const jobs = openJobs({ postgres, ...ports })
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const bare = await instance.connect()
  const accounts = await postgres.query<{ id: number }>(sql`insert into accounts (name) values ('a') returning id`)
  const accountId = must(accounts[0], 'the account was made').id
  await store.createDatabase(accountId, 'web')
  const engines = inProcessEngines(storeEngineHandlers(systemDisk))
  const scratchDirectory = join(folder, 'scratch')
  const options: MergeJobOptions = {
    ...ports,
    store,
    postgres,
    objects,
    engines,
    scratchDirectory,
    concurrency: 1,
    limits,
  }
  let written = 0
  const table = (name: string) => store.table(accountId, 'web', name)
  return {
    store,
    postgres,
    objects,
    objectsDirectory,
    accountId,
    options,
    setClock: (ms) => (offsetMs = ms - systemClock.nowMs()),
    async createTable(name, columns) {
      await store.createTable(accountId, 'web', name, { columns })
      return await table(name)
    },
    table,
    write: (of, select) => write({ bare, store, objects }, of, select, join(folder, `${(written += 1)}.parquet`)),
    add: (of, chunks, uniqueId = `import ${written}`) => store.commit(importOf(of, chunks, uniqueId)),
    async merge(of, more = {}) {
      const { job } = await jobs.submit({ accountId, kind: mergeKind, input: { tableId: of.id } })
      return (await mergeJob({ ...options, ...more }).handler(await attemptOf(postgres, job))) as MergeSummary
    },
    async restate(of, more = {}) {
      const { job } = await jobs.submit({ accountId, kind: restateKind, input: { tableId: of.id } })
      return (await restateJob({ ...options, ...more }).handler(await attemptOf(postgres, job))) as RestateSummary
    },
    scan: (name, query) => scan({ bare, store, objects }, { accountId, name }, query),
    async close() {
      bare.closeSync()
      instance.closeSync()
      await store.stop()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const limits = { memoryBytes: 2e9, temporaryBytes: 10e9, threads: 2, residentBytesMax: 4e9, timeoutMs: 600_000 }

interface Ports {
  readonly bare: DuckDBConnection
  readonly store: Store
  readonly objects: ObjectStore
}

async function write({ bare, store, objects }: Ports, table: Table, select: string, path: string): Promise<NewChunk> {
  const described = await bare.runAndReadAll(`describe (${select})`)
  const names = new Set(described.getRows().map(([name]) => String(name)))
  const columns = table.columns.filter(({ name }) => names.has(name))
  const items = columns.map(({ name, type }) => {
    return `cast(${quotedName(name)} as ${duckdbFileType(type)}) as ${quotedName(name)}`
  })
  const copied = await bare.runAndReadAll(
    `copy (select ${items.join(', ')} from (${select})) to '${path}'
     (format parquet, compression zstd, compression_level 1, field_ids ${fieldIdsClause(columns)}, return_stats true)`,
  )
  const file = copiedFile(copied.getRows()[0] ?? [])
  const chunk = writtenChunk(store.newChunk({ accountId: table.accountId, tableId: table.id }), file, columns)
  return { ...chunk, crc32: await putChecked({ objects, disk: systemDisk }, chunk.objectKey, path) }
}

function importOf(table: Table, chunks: readonly NewChunk[], uniqueId: string): Commit {
  return {
    accountId: table.accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'import',
    cause: 'test',
    chunks,
    ids: [{ uniqueId, rows: chunks.reduce((sum, { rows }) => sum + rows, 0), quarantined: 0 }],
    quarantined: [],
  }
}

async function scan(
  { bare, store, objects }: Ports,
  { accountId, name }: { accountId: number; name: string },
  query: string,
): Promise<unknown[]> {
  const [snapshot] = await store.openSnapshot(accountId, [{ database: 'web', name }])
  const opened = must(snapshot, 'the table exists')
  const chunks = await store.findChunks(opened, [{ from: -Infinity, to: Infinity }])
  const local = await Promise.all(chunks.map(({ objectKey }) => objects.materialize(objectKey)))
  const files = local.map(({ path }) => `'${path}'`).join(', ')
  const rows =
    chunks.length === 0
      ? emptyRows(opened.table.columns)
      : `select * from read_parquet([${files}], schema = ${fileSchemaClause(opened.table.columns)})`
  await bare.run(`create or replace temp view rows as ${rows}`)
  const answer = await bare.runAndReadAll(query)
  for (const object of local) object.release()
  return answer.getRowObjectsJson()
}

function emptyRows(columns: readonly Column[]): string {
  const items = columns.map(({ name, type }) => `cast(null as ${duckdbFileType(type)}) as ${quotedName(name)}`)
  return `select ${items.join(', ')} limit 0`
}

/** A running attempt with a lease of its own, so that commits under it are fenced as real ones are. */
export async function attemptOf(postgres: Postgres, job: Attempt['job']): Promise<Attempt> {
  await postgres.query(sql`delete from job_waiting where job_id = ${job.id}`)
  const rows = await postgres.query<{ lease_token: number }>(sql`
    insert into job_running (lease_token, job_id, lane_id, account_id, from_state, attempt, lease_owner, lease_expires_at)
    select nextval('job_lease_tokens'), id, lane_id, account_id, 'queued', 1, 'test', now() + interval '1 hour'
      from jobs where id = ${job.id}
    returning lease_token`)
  const leaseToken = must(rows[0], 'the job has a lease').lease_token
  return { job, leaseToken, signal: new AbortController().signal, progress: () => {} }
}
