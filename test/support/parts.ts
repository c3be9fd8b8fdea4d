import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Access, Principal } from '../../src/access/access.ts'
import { openAccess } from '../../src/access/open-access.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Clock } from '../../src/base/clock.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { openEnginePool } from '../../src/base/engines/open-engine-pool.ts'
import { must } from '../../src/base/errors.ts'
import { openLog } from '../../src/base/log.ts'
import { openDirectoryStore } from '../../src/base/objects/directory-store.ts'
import type { ObjectStore } from '../../src/base/objects/objects.ts'
import type { Postgres } from '../../src/base/postgres/postgres.ts'
import { systemRandomness } from '../../src/base/randomness.ts'
import type { Service } from '../../src/base/service.ts'
import { readSettings } from '../../src/base/settings.ts'
import type { Collect, ImportRequest } from '../../src/collect/collect.ts'
import type { BulkImports } from '../../src/collect/bulk/bulk-imports.ts'
import { commitJob } from '../../src/collect/bulk/commit-job.ts'
import { openBulkImports } from '../../src/collect/bulk/open-bulk-imports.ts'
import { performJob } from '../../src/collect/bulk/perform-job.ts'
import { importJob } from '../../src/collect/import-job.ts'
import { openDirectoryInbox } from '../../src/collect/inbox/directory-inbox.ts'
import { openObjectInbox } from '../../src/collect/inbox/object-inbox.ts'
import { openCollect } from '../../src/collect/open-collect.ts'
import { delivering, exportJob } from '../../src/deliver/exports/export-job.ts'
import { resultJob } from '../../src/deliver/result-job.ts'
import { openJobRunner } from '../../src/jobs/job-runner.ts'
import type { Job, Jobs } from '../../src/jobs/jobs.ts'
import { openJobs } from '../../src/jobs/open-jobs.ts'
import { openProcess } from '../../src/process/open-process.ts'
import type { Process, QueryOutput } from '../../src/process/process.ts'
import { queryJobKind } from '../../src/process/query-job.ts'
import { mergeJob } from '../../src/store/merge/merge-job.ts'
import { submitMerges } from '../../src/store/merge/request-merges.ts'
import { settingsForRoles } from '../../src/server/role-settings.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { openTestDatabase } from './postgres.ts'
import { readResult } from './read-result.ts'

/** What the parts of a platform are made of; the defaults are a directory of their own. */
export interface PartsOptions {
  /** Where everything lies that is not in PostgreSQL. */
  readonly folder?: string
  /** What stands between the parts and the directory of objects. */
  readonly objects?: (driver: ObjectStore) => ObjectStore
  readonly inbox?: 'directory' | 'objects'
  readonly clock?: Clock
  readonly removalGraceSeconds?: number
  readonly queryTemporaryBytes?: number
}

/** An intake and a worker with its engine processes in this process, over a real database: a server without its doors. */
export interface Parts {
  readonly folder: string
  readonly owner: Principal
  readonly access: Access
  readonly postgres: Postgres
  readonly objects: ObjectStore
  readonly jobs: Jobs
  readonly store: Store
  readonly collect: Collect
  readonly bulk: BulkImports
  readonly process: Process
  /** A body of NDJSON for `web.<table>`. */
  request(table: string, uniqueId: string, records: readonly unknown[]): ImportRequest
  /** Runs a query to its end, whatever that is. */
  run(sql: string): Promise<Job>
  /** Asks for the merges that are due, as the scheduler does. */
  merge(): Promise<number>
  /** The rows of a query that has to succeed, as JSON. */
  rows(sql: string): Promise<unknown[][]>
  close(): Promise<void>
}

const log = openLog('silent')

export async function openParts(options: PartsOptions = {}): Promise<Parts> {
  const database = await openTestDatabase(20)
  const { postgres } = database
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'biwa-parts-')))
  const clock = options.clock ?? systemClock
  const ports = { clock, randomness: systemRandomness, disk: systemDisk, log }
  const driver = await openDirectoryStore({ root: join(folder, 'objects'), ...ports })
  const objects = options.objects?.(driver) ?? driver
  const access = openAccess({ postgres, ...ports })
  const jobs = openJobs({ postgres, ...ports })
  const store = openStore({ postgres, objects, removalGraceSeconds: options.removalGraceSeconds ?? 3600, ...ports })
  const entry = new URL('../../src/server/engine.ts', import.meta.url)
  const engines = openEnginePool({
    name: 'engines',
    entry,
    size: 2,
    environment: settingsForRoles(readSettings({}, {})),
    ...ports,
  })
  const opened: Service[] = [access, jobs, store, engines]
  for (const service of opened) await service.start()
  const made = must(await access.bootstrap(), 'a new database has no account')
  const owner = await access.authenticate(made.key)
  await store.createDatabase(owner.accountId, 'web')

  const inboxDirectory = join(folder, 'inbox')
  const scratchDirectory = join(folder, 'scratch')
  const inbox =
    options.inbox === 'objects'
      ? openObjectInbox({ objects, postgres, orphanSeconds: 1, ...ports })
      : openDirectoryInbox({ directory: inboxDirectory, segmentBytes: 1 << 20, ...ports })
  const collect = openCollect({ access, jobs, store, objects, postgres, inbox, inboxDirectory, ...ports })
  await systemDisk.makeDirectory(scratchDirectory)
  const bulk = openBulkImports({ access, jobs, store, objects, postgres, scratchDirectory, ...ports })
  const process = openProcess({ access, jobs, ...ports, timeoutMs: { interactive: 60_000, batch: 60_000 } })
  const shared = { access, store, objects, postgres, engines, scratchDirectory, ...ports, concurrency: 4 }
  const limits = {
    memoryBytes: 100e6,
    temporaryBytes: options.queryTemporaryBytes ?? 1e9,
    scanBytes: 1e9,
    timeoutMs: 60_000,
    threads: 1,
  }
  const parts = {
    folder,
    owner,
    access,
    postgres,
    objects,
    jobs,
    store,
    request: (table: string, uniqueId: string, records: readonly unknown[]): ImportRequest => ({
      principal: owner,
      database: 'web',
      table,
      uniqueId,
      timeColumn: null,
      format: 'ndjson',
      encoding: 'identity',
      body: Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join('')),
    }),
    async run(sql: string) {
      const { job } = await process.submitQuery(owner, { sql, database: 'web' })
      return await jobs.wait(owner.accountId, job.id, 120_000)
    },
    merge: () => submitMerges({ postgres, jobs }),
    async rows(sql: string) {
      const job = await parts.run(sql)
      if (job.state !== 'success') throw new Error(`the query ended as ${job.state}: ${JSON.stringify(job.error)}`)
      const output = job.output as QueryOutput
      return output.resultKey === null ? [] : await readResult(objects, output)
    },
    async close() {
      for (const service of opened.toReversed()) await service.stop()
      await objects.close()
      await database.close()
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
  const exporting = { ...shared, limits: { ...limits, residentBytesMax: 1e9, outputBytesMax: 1e9 } }
  const kinds = [
    importJob({ ...shared, inboxDirectory }),
    performJob(shared),
    commitJob(shared),
    delivering(queryJobKind({ ...shared, limits }), exporting),
    delivering(queryJobKind({ ...shared, limits }, 'batch'), exporting),
    resultJob({ ...exporting, jobs }),
    exportJob({ ...exporting, jobs }),
    mergeJob({ ...shared, concurrency: 1, limits: { ...limits, residentBytesMax: 1e9 } }),
  ]
  const runner = openJobRunner({ postgres, ...ports, owner: 'worker', kinds })
  opened.push(runner, collect)
  for (const service of [runner, collect]) await service.start()
  return { ...parts, collect, bulk, process }
}
