import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import type { Principal } from '../../access/access.ts'
import { openAccess } from '../../access/open-access.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import type { EnginePool } from '../../base/engines/engines.ts'
import { must } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import { openDirectoryStore } from '../../base/objects/directory-store.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Attempt } from '../../jobs/jobs.ts'
import { assignFieldIds, fieldIdsClause, timeColumn } from '../../store/columns.ts'
import { openStore } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'
import { duckdbFileType, quotedName } from '../../store/types.ts'
import { copiedFile } from '../../base/duckdb/copied-file.ts'
import type { QueryOutput, QueryProgress } from '../process.ts'
import type { QueryLimits } from '../query-context.ts'
import { queryJobKind } from '../query-job.ts'
import { writtenChunk } from '../../store/written-chunk.ts'

export interface QueryOptions {
  readonly database?: string | null
  readonly principal?: Principal
  readonly limits?: Partial<QueryLimits>
  readonly signal?: AbortSignal
  /** Unix seconds: as a job of a schedule has it. */
  readonly scheduledTime?: number
  readonly submittedAs?: string
  /** The job to run another attempt of. */
  readonly jobId?: number
  readonly onProgress?: (progress: QueryProgress) => void
  /** What happens beside the query before its commits, one for each. */
  readonly beforeCommit?: readonly (() => Promise<void>)[]
}

export interface Answer extends QueryOutput {
  readonly jobId: number
  /** Values as DuckDB prints them in JSON. */
  readonly values: readonly unknown[][]
}

/** Queries over a real store, access and object store, by the job's own handler. */
export interface QueryBench {
  readonly store: Store
  readonly objects: ObjectStore
  readonly postgres: Postgres
  readonly owner: Principal
  readonly folder: string
  makeOwner(): Promise<Principal>
  /** Commits files of one table, each the rows of a SELECT over bare DuckDB. The first one makes the table's columns. */
  load(
    table: string,
    columns: readonly { name: string; type: LogicalType }[],
    selects: readonly string[],
    owner?: Principal,
  ): Promise<void>
  query(text: string, options?: QueryOptions): Promise<Answer>
  close(): Promise<void>
}

const limits: QueryLimits = {
  memoryBytes: 300e6,
  temporaryBytes: 1e9,
  scanBytes: 1e9,
  timeoutMs: 60_000,
  threads: 2,
}

export async function openQueryBench(engines: EnginePool): Promise<QueryBench> {
  const database = await openTestDatabase()
  const { postgres } = database
  const folder = await mkdtemp(join(tmpdir(), 'biwa-process-'))
  const ports = { clock: systemClock, randomness: systemRandomness, disk: systemDisk, log: openLog('silent') }
  const objects = await openDirectoryStore({ root: join(folder, 'objects'), ...ports })
  const store = openStore({ postgres, objects, removalGraceSeconds: 3600, ...ports })
  const access = openAccess({ postgres, ...ports })
  const instance = await DuckDBInstance.create()
  const bare = await instance.connect()

  const makeOwner = async (): Promise<Principal> => {
    const { account, owner } = await access.createAccount('test', { email: 'a@example.com', name: 'A' })
    await store.createDatabase(account.id, 'web')
    return { accountId: account.id, userId: owner.id, keyId: 0, keyKind: 'full', role: 'owner' }
  }
  const owner = await makeOwner()

  return {
    store,
    objects,
    postgres,
    owner,
    folder,
    makeOwner,
    load: (table, columns, selects, as = owner) => load({ store, objects, bare, folder }, as, table, columns, selects),
    async query(text, options = {}) {
      const { handler } = queryJobKind({
        ...ports,
        access,
        store: withBeside(store, options.beforeCommit ?? []),
        objects,
        engines,
        scratchDirectory: join(folder, 'scratch'),
        concurrency: 1,
        limits: { ...limits, ...options.limits },
      })
      const principal = options.principal ?? owner
      const attempt = await makeAttempt(postgres, { sql: text, principal, database: 'web', ...options })
      const output = (await handler(attempt)) as QueryOutput
      return {
        ...output,
        jobId: attempt.job.id,
        values: await valuesOf({ bare, objects, path: join(folder, `inline-${attempt.job.id}`) }, output),
      }
    },
    async close() {
      await store.stop()
      await access.stop()
      bare.closeSync()
      instance.closeSync()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The store, which does something else before each of its first commits. */
function withBeside(store: Store, beside: readonly (() => Promise<void>)[]): Store {
  const waiting = [...beside]
  return {
    ...store,
    async commit(commit) {
      await waiting.shift()?.()
      return await store.commit(commit)
    },
    async commitAll(commits, drops) {
      await waiting.shift()?.()
      return await store.commitAll(commits, drops)
    },
  }
}

async function load(
  { store, objects, bare, folder }: { store: Store; objects: ObjectStore; bare: DuckDBConnection; folder: string },
  { accountId }: Principal,
  name: string,
  columns: readonly { name: string; type: LogicalType }[],
  selects: readonly string[],
): Promise<void> {
  const table = await store.createTable(accountId, 'web', name)
  const own = assignFieldIds(columns, table.nextFieldId).columns
  const all = [timeColumn, ...own]
  const items = all.map(({ name: of, type }) => `${quotedName(of)}::${duckdbFileType(type)} as ${quotedName(of)}`)
  const chunks = []
  for (const select of selects) {
    const path = join(folder, 'load.parquet')
    const copied = await bare.runAndReadAll(
      `copy (select ${items.join(', ')} from (${select})) to '${path}'
       (format parquet, field_ids ${fieldIdsClause(all)}, return_stats true)`,
    )
    const file = copiedFile(copied.getRows()[0] ?? [])
    const chunk = writtenChunk(store.newChunk({ accountId, tableId: table.id }), file, all)
    await objects.putFile(chunk.objectKey, path)
    chunks.push(chunk)
  }
  await store.commit({
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: own },
    operation: 'import',
    cause: 'test',
    chunks,
    ids: [{ uniqueId: 'test', rows: chunks.reduce((sum, chunk) => sum + chunk.rows, 0), quarantined: 0 }],
    quarantined: [],
  })
}

async function makeAttempt(
  postgres: Postgres,
  input: QueryOptions & { sql: string; principal: Principal; database: string | null },
): Promise<Attempt> {
  const { principal, onProgress, scheduledTime, submittedAs } = input
  const values = JSON.stringify({ sql: input.sql, database: input.database, principal, scheduledTime, submittedAs })
  const jobId =
    input.jobId ??
    must(
      (
        await postgres.query<{ id: number }>(sql`
          insert into jobs (lane_id, account_id, kind, input, run_at, attempts_max, submitted_by)
          values (0, ${principal.accountId}, 'query', ${values}, now(), 3, 'test') returning id`)
      )[0],
      'the job was made',
    ).id
  // Another attempt takes the lease over.
  const [row] = await postgres.query<{ id: number; lease_token: number; attempt: number }>(sql`
    insert into job_running (lease_token, job_id, lane_id, account_id, from_state, attempt, lease_owner, lease_expires_at)
    values (nextval('job_lease_tokens'), ${jobId}, 0, ${principal.accountId}, 'queued', 1, 'test', now() + interval '1 hour')
    on conflict (job_id) do update set lease_token = excluded.lease_token, attempt = job_running.attempt + 1
    returning job_id as id, lease_token, attempt`)
  const { id, lease_token: leaseToken, attempt } = must(row, 'the job was made')
  return {
    job: {
      id,
      attempt,
      attemptsMax: 3,
      accountId: principal.accountId,
      userId: principal.userId,
      kind: 'query',
      state: 'running',
      priority: 0,
      uniqueKey: null,
      input: JSON.parse(values) as unknown,
      progress: null,
      output: null,
      error: null,
      timeoutMs: null,
      killRequestedAt: null,
      createdAt: new Date(1_700_000_000_000),
      runAt: new Date(),
      startedAt: new Date(),
      finishedAt: null,
    },
    leaseToken,
    signal: input.signal ?? new AbortController().signal,
    progress: (value) => onProgress?.(value as QueryProgress),
  }
}

async function valuesOf(
  { bare, objects, path }: { bare: DuckDBConnection; objects: ObjectStore; path: string },
  { resultKey, inline }: QueryOutput,
): Promise<readonly unknown[][]> {
  if (resultKey === null) return []
  if (inline !== undefined) await writeFile(path, Buffer.from(inline, 'base64'))
  const local = inline === undefined ? await objects.materialize(resultKey) : { path }
  return (await bare.runAndReadAll(`select * from read_parquet('${local.path}')`)).getRowsJson()
}
