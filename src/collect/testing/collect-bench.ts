import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import type { Access, Principal } from '../../access/access.ts'
import { openAccess } from '../../access/open-access.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import type { EnginePool } from '../../base/engines/engines.ts'
import { openEnginePool } from '../../base/engines/open-engine-pool.ts'
import { must } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import { openDirectoryStore } from '../../base/objects/directory-store.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import { openPostgres } from '../../base/postgres/postgres.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Service } from '../../base/service.ts'
import { openJobRunner } from '../../jobs/job-runner.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import { openJobs } from '../../jobs/open-jobs.ts'
import { queryColumns, schemaClause } from '../../store/columns.ts'
import { openQuarantine } from '../../store/quarantine/open-quarantine.ts'
import type { Quarantine } from '../../store/quarantine.ts'
import { openStore } from '../../store/open-store.ts'
import type { Store, Table } from '../../store/store.ts'
import type { Collect, ImportOutcome, ImportRequest } from '../collect.ts'
import type { BulkImports } from '../bulk/bulk-imports.ts'
import { commitJob } from '../bulk/commit-job.ts'
import { openBulkImports } from '../bulk/open-bulk-imports.ts'
import { performJob } from '../bulk/perform-job.ts'
import type { BulkJobOptions } from '../bulk/perform-job.ts'
import { importJob } from '../import-job.ts'
import type { Inbox } from '../inbox/inbox.ts'
import { openDirectoryInbox } from '../inbox/directory-inbox.ts'
import { openObjectInbox } from '../inbox/object-inbox.ts'
import { openCollect } from '../open-collect.ts'
import { openReplays } from '../replay/open-replays.ts'
import { replayJob } from '../replay/replay-job.ts'
import type { ReplayJobOptions } from '../replay/replay-job.ts'
import type { JobKind } from '../../jobs/jobs.ts'
import type { Replays } from '../replay.ts'
import type { CollectOptions } from '../open-collect.ts'

/** An intake and a worker over a real database, store and engine pool, each of which can be stopped and started again. */
export interface CollectBench {
  readonly owner: Principal
  readonly access: Access
  readonly store: Store
  readonly objects: ObjectStore
  readonly quarantine: Quarantine
  readonly replays: Replays
  readonly postgres: Postgres
  readonly jobs: Jobs
  readonly bulk: BulkImports
  /** Where the segments lie. */
  readonly inboxDirectory: string
  startIntake(options?: Partial<CollectOptions>): Promise<Collect>
  startWorker(options?: { readonly engines?: EnginePool }): Promise<Service>
  /** Sends a body to `web.log` and waits until it can be queried. */
  send(body: string | Uint8Array, request?: Partial<ImportRequest>): Promise<ImportOutcome>
  table(name?: string): Promise<Table>
  /** All rows of a table as DuckDB reads them from its chunks, in JSON; `sql` selects from `rows`. */
  query(sql: string, name?: string): Promise<unknown[]>
  close(): Promise<void>
}

const ports = { clock: systemClock, randomness: systemRandomness, disk: systemDisk, log: openLog('silent') }

export async function openCollectBench(
  kind: 'directory' | 'objects' = 'directory',
  wayTo: (url: string) => Promise<string> = async (url) => url,
): Promise<CollectBench> {
  const database = await openTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'biwa-collect-'))
  const inboxDirectory = join(folder, 'inbox')
  const objects = await openDirectoryStore({ root: join(folder, 'objects'), ...ports })
  const { postgres } = database
  const access = openAccess({ postgres, ...ports })
  const jobs = openJobs({ postgres, ...ports })
  const store = openStore({ postgres, objects, removalGraceSeconds: 3600, ...ports })
  const quarantine = openQuarantine({ postgres, objects, ...ports })
  const entry = new URL('convert-engine.ts', import.meta.url)
  const engines = openEnginePool({ name: 'imports', entry, size: 2, ...ports })
  const opened: Service[] = [access, jobs, store, engines]
  for (const service of opened) await service.start()
  const made = must(await access.bootstrap(), 'a new database has no account')
  const owner = await access.authenticate(made.key)
  const scratchDirectory = join(folder, 'scratch')
  await systemDisk.makeDirectory(scratchDirectory)
  const bulk = openBulkImports({ access, jobs, store, objects, postgres, ...ports, scratchDirectory })
  let intake: Collect | undefined

  const bench: CollectBench = {
    owner,
    access,
    store,
    objects,
    quarantine,
    replays: openReplays({ jobs, quarantine }),
    postgres,
    jobs,
    bulk,
    inboxDirectory,
    async startIntake(options = {}) {
      const own = await openPostgres({ url: await wayTo(database.url), connectionsMax: 4, applicationName: 'intake' })
      const inbox = openInbox(kind, inboxDirectory, { objects, postgres: own })
      const ownJobs = openJobs({ postgres: own, ...ports })
      await ownJobs.start()
      const all = { access, jobs: ownJobs, store, objects, postgres: own, inbox, inboxDirectory, ...ports, ...options }
      intake = openCollect(all)
      await intake.start()
      opened.push({ name: 'own postgres', start: async () => {}, stop: () => own.close() }, ownJobs, intake)
      return intake
    },
    async startWorker(options = {}) {
      const kinds = kindsOf(
        { store, objects, postgres, engines, ...ports, scratchDirectory, quarantine, ...options },
        inboxDirectory,
      )
      const runner = openJobRunner({ postgres, ...ports, owner: `worker ${opened.length}`, kinds })
      await runner.start()
      opened.push(runner)
      return runner
    },
    async send(body, request = {}) {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body
      return await must(intake, 'the intake was started').acceptAndWait(requestOf(owner, bytes, request), 90_000)
    },
    table: (name = 'log') => store.table(owner.accountId, 'web', name),
    query: (sql, name = 'log') => queryTable(bench, sql, name),
    async close() {
      for (const service of opened.toReversed()) await service.stop()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return bench
}

type Tools = Omit<ReplayJobOptions & BulkJobOptions, 'concurrency'>

function kindsOf(tools: Tools, inboxDirectory: string): JobKind[] {
  return [
    importJob({ ...tools, inboxDirectory, concurrency: 4 }),
    performJob({ ...tools, concurrency: 4 }),
    commitJob({ ...tools, concurrency: 4 }),
    replayJob({ ...tools, concurrency: 2 }),
  ]
}

function openInbox(
  kind: 'directory' | 'objects',
  directory: string,
  stores: { readonly objects: ObjectStore; readonly postgres: Postgres },
): Inbox {
  if (kind === 'objects') return openObjectInbox({ ...stores, orphanSeconds: 0, ...ports })
  return openDirectoryInbox({ directory, segmentBytes: 1 << 20, ...ports })
}

export function requestOf(principal: Principal, body: Uint8Array, request: Partial<ImportRequest> = {}): ImportRequest {
  const place = { database: 'web', table: 'log', uniqueId: null, timeColumn: null }
  return { principal, ...place, format: 'ndjson', encoding: 'identity', body, ...request }
}

async function queryTable({ store, objects, owner }: CollectBench, sql: string, name: string): Promise<unknown[]> {
  const [snapshot] = await store.openSnapshot(owner.accountId, [{ database: 'web', name }])
  const { table } = must(snapshot, 'the table exists')
  const chunks = await store.findChunks(must(snapshot, 'the table exists'), [{ from: -Infinity, to: Infinity }])
  const files = await Promise.all(chunks.map(({ objectKey }) => objects.materialize(objectKey)))
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    const list = files.map(({ path }) => `'${path}'`).join(', ')
    const schema = schemaClause(queryColumns(table.columns))
    await connection.run(`create view rows as select * from read_parquet([${list}], schema = ${schema})`)
    return (await connection.runAndReadAll(sql)).getRowObjectsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
    for (const file of files) file.release()
  }
}
