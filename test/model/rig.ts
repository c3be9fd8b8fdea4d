import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Access, Principal } from '../../src/access/access.ts'
import { openAccess } from '../../src/access/open-access.ts'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { inProcessEngines } from '../../src/base/engines/testing/in-process-engines.ts'
import { isAppError, must } from '../../src/base/errors.ts'
import { openLog } from '../../src/base/log.ts'
import { openDirectoryStore } from '../../src/base/objects/directory-store.ts'
import type { ObjectStore } from '../../src/base/objects/objects.ts'
import type { Postgres } from '../../src/base/postgres/postgres.ts'
import { sql } from '../../src/base/postgres/postgres.ts'
import { systemRandomness } from '../../src/base/randomness.ts'
import { convertHandler } from '../../src/collect/convert/convert-task.ts'
import { answerConversions } from '../../src/collect/convert/message.ts'
import { convertTask } from '../../src/collect/convert/tasks.ts'
import { OutcomeTally } from '../../src/collect/import-input.ts'
import type { ImportTools } from '../../src/collect/import-table.ts'
import { TableImport } from '../../src/collect/import-table.ts'
import type { FrameHeader } from '../../src/collect/inbox/inbox.ts'
import { createSplitter } from '../../src/collect/split/split.ts'
import type { Attempt, Job } from '../../src/jobs/jobs.ts'
import { queryEngineHandlers } from '../../src/process/engines/duckdb/handlers.ts'
import { queryJobKind } from '../../src/process/query-job.ts'
import { queryColumns } from '../../src/store/columns.ts'
import { storeEngineHandlers } from '../../src/store/engine-handlers.ts'
import { mergeJob } from '../../src/store/merge/merge-job.ts'
import type { MergeTools } from '../../src/store/merge/perform-merge.ts'
import { openStore } from '../../src/store/open-store.ts'
import { groupChunks } from '../../src/store/schema/changes.ts'
import { projectedScan } from '../../src/store/schema/projection.ts'
import { restateJob } from '../../src/store/schema/restate-job.ts'
import type { AsOf, Store, ColumnChange } from '../../src/store/store.ts'
import { openTestDatabase } from '../support/postgres.ts'
import type { Row } from './file-reader.ts'
import { FileReader } from './file-reader.ts'
import type { Life } from './lives.ts'
import { mortalEngines, mortalObjects, mortalPostgres } from './lives.ts'

/** Something to do for a table, which is done once however often it is attempted. */
export type Work =
  | { readonly kind: 'import'; readonly table: string; readonly uniqueId: string; readonly records: readonly object[] }
  | { readonly kind: 'query'; readonly sql: string }
  | { readonly kind: 'alter'; readonly table: string; readonly uniqueId: string; readonly change: ColumnChange }
  | { readonly kind: 'merge' | 'restate'; readonly table: string }
  | { readonly kind: 'expire'; readonly table: string; readonly uniqueId: string }

/** For so long tables keep their rows, once they expire any. */
export const expireDays = 30

export interface Scanned {
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}

/** What a process has to do with the world. */
type MortalPorts = Omit<MergeTools, 'limits'> & ImportTools & { readonly postgres: Postgres }

/** A store with all that changes its tables, by the real jobs, in processes that can be killed between any two of their calls. */
export class Rig {
  readonly store: Store
  readonly #postgres: Postgres
  readonly #objects: ObjectStore
  readonly #access: Access
  readonly #clock: Clock
  readonly #folder: string
  readonly #reader: FileReader
  readonly #owner: Principal
  readonly #close: () => Promise<void>
  readonly #ahead: { ms: number }
  #bodies = 0

  private constructor(
    parts: Pick<Rig, 'store'> & {
      postgres: Postgres
      objects: ObjectStore
      access: Access
      clock: Clock
      folder: string
      reader: FileReader
      owner: Principal
      close: () => Promise<void>
      ahead: { ms: number }
    },
  ) {
    this.#ahead = parts.ahead
    this.store = parts.store
    this.#postgres = parts.postgres
    this.#objects = parts.objects
    this.#access = parts.access
    this.#clock = parts.clock
    this.#folder = parts.folder
    this.#reader = parts.reader
    this.#owner = parts.owner
    this.#close = parts.close
  }

  static async open(): Promise<Rig> {
    const database = await openTestDatabase()
    const folder = await mkdtemp(join(tmpdir(), 'biwa-model-'))
    const ahead = { ms: 0 }
    const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + ahead.ms }
    const ports = { clock, randomness: systemRandomness, disk: systemDisk, log: openLog('silent') }
    const { postgres } = database
    const objects = await openDirectoryStore({ root: join(folder, 'objects'), ...ports })
    const store = openStore({ postgres, objects, removalGraceSeconds: 3600, ...ports })
    const access = openAccess({ postgres, ...ports })
    const { account, owner } = await access.createAccount('test', { email: 'a@example.com', name: 'A' })
    await store.createDatabase(account.id, 'web')
    const reader = await FileReader.open()
    return new Rig({
      ahead,
      store,
      postgres,
      objects,
      access,
      clock,
      folder,
      reader,
      owner: { accountId: account.id, userId: owner.id, keyId: 0, keyKind: 'full', role: 'owner' },
      async close() {
        await store.stop()
        await access.stop()
        reader.close()
        await database.close()
        // Processes that died here still run what they had begun, for a moment.
        await rm(folder, { recursive: true, force: true, maxRetries: 20 })
      },
    })
  }

  get accountId(): number {
    return this.#owner.accountId
  }

  get nowSeconds(): number {
    return Math.floor(this.#clock.nowMs() / 1000)
  }

  /** How many chunks hold nothing but rows from before the time. */
  async countChunksBefore(name: string, seconds: number): Promise<number> {
    const [snapshot] = await this.store.openSnapshot(this.accountId, [{ database: 'web', name }])
    const chunks = await this.store.findChunks(must(snapshot, 'the table exists'), [{ from: -Infinity, to: seconds }])
    return chunks.filter(({ timeRange }) => timeRange.to <= seconds).length
  }

  putForward(seconds: number): void {
    this.#ahead.ms += seconds * 1000
  }

  close = (): Promise<void> => this.#close()

  /** Runs the work in one process after another, each killed where `ends` say, until one comes through. */
  async run(work: Work, lives: readonly Life[]): Promise<void> {
    const job = await this.#makeJob(work)
    for (const [index, life] of lives.entries()) {
      const attempt = await this.#lease(job, index + 1)
      try {
        return await this.#attempt(work, attempt, life)
      } catch (error) {
        if (index === lives.length - 1) throw error
      }
    }
  }

  async #attempt(work: Work, attempt: Attempt, life: Life): Promise<void> {
    const ports = this.#mortalPorts(life)
    switch (work.kind) {
      case 'import':
        await this.#import(work, attempt, ports)
        return
      case 'query':
        await queryJobKind({ ...ports, access: this.#access, concurrency: 1, limits: queryLimits }).handler(attempt)
        return
      case 'alter': {
        const table = { database: 'web', name: work.table }
        await ports.store.alterColumns(this.accountId, table, [work.change], { uniqueId: work.uniqueId })
        return
      }
      case 'expire': {
        const table = { database: 'web', name: work.table }
        await ports.store.setProperties(this.accountId, table, { expireDays }, { uniqueId: work.uniqueId })
        await ports.store.expireChunks()
        return
      }
      case 'merge':
        await mergeJob({ ...ports, concurrency: 1, limits: mergeLimits }).handler(attempt)
        return
      case 'restate':
        await restateJob({ ...ports, concurrency: 1, limits: mergeLimits }).handler(attempt)
    }
  }

  #mortalPorts(life: Life): MortalPorts {
    const postgres = mortalPostgres(this.#postgres, life)
    const objects = mortalObjects(this.#objects, life)
    const ports = { clock: this.#clock, randomness: systemRandomness, disk: systemDisk, log: openLog('silent') }
    return {
      ...ports,
      postgres,
      objects,
      store: openStore({ postgres, objects, removalGraceSeconds: 3600, ...ports }),
      engines: mortalEngines(engines, life),
      scratchDirectory: join(this.#folder, 'scratch'),
    }
  }

  async #import(
    { table, uniqueId, records }: Work & { kind: 'import' },
    attempt: Attempt,
    ports: MortalPorts,
  ): Promise<void> {
    const body = Buffer.from(records.map((record) => JSON.stringify(record)).join('\n'))
    const path = join(this.#folder, `body-${(this.#bodies += 1)}`)
    await writeFile(path, body)
    const { accountId, userId } = this.#owner
    const header: FrameHeader = {
      accountId,
      userId,
      keyId: 0,
      database: 'web',
      table,
      uniqueId,
      timeColumn: null,
      format: 'ndjson',
      encoding: 'identity',
      receivedAtUs: this.#clock.nowMs() * 1000,
    }
    const frame = { header, from: 0, bodyFrom: 0, bodyTo: body.byteLength, to: body.byteLength, durableTo: 0 }
    const segment = { kind: 'file', inbox: 'model', id: uniqueId, name: 'body' } as const
    const tally = new OutcomeTally(() => false)
    const bodies = [{ segment, frame }]
    const source = { path, readBody: async () => body }
    const options = { ...ports, limits: importLimits, attempt, source, neighbours: bodies, stretches: [], tally }
    await new TableImport(options, bodies).run()
    await rm(path)
  }

  async #makeJob(work: Work): Promise<Job> {
    const { accountId, userId } = this.#owner
    const input =
      work.kind === 'query'
        ? { sql: work.sql, database: 'web', principal: this.#owner }
        : { tableId: (await this.#tableId(work.table)) ?? 0 }
    const rows = await this.#postgres.query<{ id: number }>(sql`
      insert into jobs (lane_id, account_id, kind, input, run_at, attempts_max, submitted_by)
      values (0, ${accountId}, ${work.kind}, ${JSON.stringify(input)}, now(), 3, 'test') returning id`)
    return {
      id: must(rows[0], 'the job was made').id,
      accountId,
      userId,
      kind: work.kind,
      state: 'running',
      priority: 0,
      uniqueKey: null,
      input,
      progress: null,
      output: null,
      error: null,
      attempt: 1,
      attemptsMax: 3,
      timeoutMs: null,
      killRequestedAt: null,
      startedAt: new Date(),
      finishedAt: null,
      createdAt: new Date(this.#clock.nowMs()),
      runAt: new Date(),
    }
  }

  async #tableId(name: string): Promise<number | undefined> {
    const tables = await this.store.listTables(this.accountId, 'web')
    return tables.find((table) => table.name === name)?.id
  }

  /** Another attempt takes the lease over. */
  async #lease(job: Job, attempt: number): Promise<Attempt> {
    const rows = await this.#postgres.query<{ lease_token: number }>(sql`
      insert into job_running (lease_token, job_id, lane_id, account_id, from_state, attempt, lease_owner, lease_expires_at)
      values (nextval('job_lease_tokens'), ${job.id}, 0, ${job.accountId}, 'queued', ${attempt}, 'test', now() + interval '1 hour')
      on conflict (job_id) do update set lease_token = excluded.lease_token, attempt = excluded.attempt
      returning lease_token`)
    const leaseToken = must(rows[0], 'the job has a lease').lease_token
    return { job: { ...job, attempt }, leaseToken, signal: new AbortController().signal, progress: () => {} }
  }

  /** All rows as a query reads them, by a DuckDB of its own; undefined where there is no such table. */
  async scan(name: string, asOf?: AsOf): Promise<Scanned | undefined> {
    const asked = { database: 'web', name, ...(asOf !== undefined && { asOf }) }
    const [opened] = await this.store.openSnapshot(this.accountId, [asked]).catch((error: unknown) => {
      if (isAppError(error, 'table_not_found')) return []
      throw error
    })
    if (opened === undefined) return undefined
    const columns = queryColumns(opened.table.columns)
    const names = columns.map(({ queryName }) => queryName)
    const chunks = await this.store.findChunks(opened, [{ from: -Infinity, to: Infinity }])
    if (chunks.length === 0) return { columns: names, rows: [] }
    const paths = new Map<string, string>()
    for (const { objectKey } of chunks) paths.set(objectKey, (await this.#objects.materialize(objectKey)).path)
    const groups = groupChunks(await this.store.schemaChanges(opened.table), chunks)
    const rows: Row[] = []
    for (const { changes, chunks: of } of groups) {
      const files = of.map(({ objectKey }) => paths.get(objectKey) ?? '')
      rows.push(...(await this.#reader.read(files, (some) => projectedScan(columns, { changes, files: some }))))
    }
    return { columns: names, rows: rows.toSorted((a, b) => Number(a['id']) - Number(b['id'])) }
  }
}

const convert = convertHandler({ splitter: createSplitter(), disk: systemDisk })
const engines = inProcessEngines({
  ...queryEngineHandlers(systemClock),
  [convertTask]: answerConversions(convert),
  ...storeEngineHandlers(systemDisk),
})

const queryLimits = { memoryBytes: 3e8, temporaryBytes: 1e9, scanBytes: 1e9, timeoutMs: 60_000, threads: 1 }
const importLimits = { memoryBytes: 3e8, residentBytesMax: 3e9, timeoutMs: 60_000, threads: 1 }
const mergeLimits = { memoryBytes: 3e8, temporaryBytes: 1e9, residentBytesMax: 3e9, timeoutMs: 60_000, threads: 1 }
