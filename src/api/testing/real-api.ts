import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { FastifyInstance } from 'fastify'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import type { Access } from '../../access/access.ts'
import { openAccess } from '../../access/open-access.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import type { EngineHandler, EnginePool } from '../../base/engines/engines.ts'
import { must } from '../../base/errors.ts'
import { BodyBudget } from '../../base/http/read-body.ts'
import { openLog } from '../../base/log.ts'
import { openDirectoryStore } from '../../base/objects/directory-store.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Service } from '../../base/service.ts'
import { openBulkImports } from '../../collect/bulk/open-bulk-imports.ts'
import type { Collect, ImportRequest } from '../../collect/collect.ts'
import { openRejections } from '../../collect/rejections/open-rejections.ts'
import { openReplays } from '../../collect/replay/open-replays.ts'
import type { Rejections } from '../../collect/rejections.ts'
import { formatTask } from '../../deliver/format-input.ts'
import { formatRows } from '../../deliver/format-rows.ts'
import { formatHandler } from '../../deliver/format-task.ts'
import { openDeliver } from '../../deliver/open-deliver.ts'
import { readying } from '../../deliver/ready-format.ts'
import { resultJob } from '../../deliver/result-job.ts'
import { openJobRunner } from '../../jobs/job-runner.ts'
import { openDeadLetters } from '../../jobs/open-dead-letters.ts'
import { openFigures } from '../../jobs/open-figures.ts'
import { openLimits } from '../../jobs/open-limits.ts'
import { openWorkers } from '../../jobs/open-workers.ts'
import { openJobs } from '../../jobs/open-jobs.ts'
import { openSchedules } from '../../jobs/schedules/open-schedules.ts'
import { queryEngineHandlers } from '../../process/engines/duckdb/handlers.ts'
import { openProcess } from '../../process/open-process.ts'
import { queryJobKind } from '../../process/query-job.ts'
import type { QueryJobOptions } from '../../process/query-job.ts'
import type { JobKind } from '../../jobs/jobs.ts'
import type { ResultJobParts } from '../../deliver/result-job.ts'
import { tdApi } from '../../protocols/td/plugin.ts'
import { openQuarantine } from '../../store/quarantine/open-quarantine.ts'
import { openUpkeep } from '../../store/open-upkeep.ts'
import { openStore } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import { openMetrics } from '../metrics.ts'
import { openUploadLane } from '../open-upload-lane.ts'
import { buildApi } from '../server.ts'
import { makeTenant } from './tenants.ts'
import type { Tenant } from './tenants.ts'

/**
 * The API, and that of Treasure Data, over real access, store, jobs, process and deliver, with a worker in this process.
 * Only the intake is a light one: it checks the permission and remembers what came.
 */
export interface RealApi {
  readonly app: FastifyInstance
  readonly postgres: Postgres
  readonly access: Access
  readonly store: Store
  readonly imports: ImportRequest[]
  readonly rejections: Rejections
  readonly bugs: unknown[]
  makeTenant(name: string): Promise<Tenant>
  close(): Promise<void>
}

const timeoutMs = 60_000
const memoryBytes = 300e6

export async function openRealApi(options: { readonly inflightBytesMax?: number } = {}): Promise<RealApi> {
  const database = await openTestDatabase()
  const { postgres } = database
  const folder = await mkdtemp(join(tmpdir(), 'biwa-api-'))
  const ports = { clock: systemClock, randomness: systemRandomness, disk: systemDisk, log: openLog('silent') }
  const objects = await openDirectoryStore({ root: join(folder, 'objects'), ...ports })
  const access = openAccess({ postgres, ...ports })
  const jobs = openJobs({ postgres, ...ports })
  const store = openStore({ postgres, objects, removalGraceSeconds: 3600, ...ports })
  const work = { ...ports, postgres, access, jobs, store, objects, engines: enginesHere(), concurrency: 2 }
  const scratchDirectory = join(folder, 'scratch')
  const runner = openJobRunner({ ...work, owner: 'test', kinds: kindsOf(work, scratchDirectory) })
  const upkeep = openUpkeep(work)
  const imports: ImportRequest[] = []
  const rejections = openRejections(work)
  const quarantine = openQuarantine(work)
  const bugs: unknown[] = []
  const common = {
    metrics: openMetrics({ version: '0', jobs, figures: openFigures(postgres), upkeep, log: ports.log }),
    budget: new BodyBudget(options.inflightBytesMax ?? 1e7),
    limits: { bodyBytesMax: 1e6, bodySilenceMsMax: timeoutMs, requestMsMax: timeoutMs },
  }
  const shared = {
    ...work,
    collect: lightIntake(access, imports),
    bulk: openBulkImports({ ...work, scratchDirectory }),
    process: openProcess({ access, jobs, clock: systemClock, timeoutMs: { interactive: timeoutMs, batch: timeoutMs } }),
    deliver: openDeliver({ jobs, objects, waitMsMax: timeoutMs }),
    ...common,
    lane: openUploadLane({ ...ports, ...common }),
    rejections,
    schedules: openSchedules(work),
    onBug: (error: unknown) => bugs.push(error),
  }
  const app = buildApi({
    ...shared,
    quarantine,
    replays: openReplays({ jobs, quarantine }),
    upkeep,
    queue: {
      limits: openLimits(work),
      deadLetters: openDeadLetters(work),
      workers: openWorkers(postgres),
    },
    dependencies: [{ name: 'object_store', check: () => objects.check() }],
    version: '0',
  })
  await app.register(tdApi({ ...shared, uploadBytesMax: 1e6, bodySilenceMsMax: timeoutMs }), { prefix: '/v3' })
  const services: readonly Service[] = [access, jobs, store, rejections, runner]
  for (const service of services) await service.start()
  return {
    app,
    postgres,
    access,
    store,
    imports,
    rejections,
    bugs,
    makeTenant: (name) => makeTenant(access, name),
    async close() {
      await app.close()
      for (const service of services.toReversed()) await service.stop()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function kindsOf(
  work: Omit<QueryJobOptions & ResultJobParts, 'scratchDirectory' | 'limits'>,
  scratchDirectory: string,
): JobKind[] {
  const queryLimits = { memoryBytes, temporaryBytes: 1e9, scanBytes: 1e9, timeoutMs, threads: 1 }
  const resultLimits = { memoryBytes, residentBytesMax: 1e9, outputBytesMax: 1e9, timeoutMs }
  const formats = { ...work, scratchDirectory, limits: resultLimits }
  return [
    readying(queryJobKind({ ...work, scratchDirectory, limits: queryLimits }), formats),
    queryJobKind({ ...work, scratchDirectory, limits: queryLimits }, 'batch'),
    resultJob(formats),
  ]
}

function lightIntake(access: Access, imports: ImportRequest[]): Collect {
  const accept: Collect['accept'] = async (request) => {
    await access.require(request.principal, request.database, 'import')
    imports.push(request)
    return { uniqueId: request.uniqueId ?? 'given', bytes: request.body.byteLength }
  }
  return {
    name: 'light intake',
    start: async () => {},
    stop: async () => {},
    async awaitRoom(principal, database) {
      await access.require(principal, database, 'import')
      return () => {}
    },
    accept,
    async acceptAndWait(request) {
      const { uniqueId } = await accept(request)
      return { uniqueId, accepted: 1, quarantined: 0, rejected: [], duplicate: false, error: null, seconds: 0 }
    },
  }
}

/** Engine tasks in this process: fast, and without anybody who would kill them. */
function enginesHere(): EnginePool {
  const handlers: Readonly<Record<string, EngineHandler>> = {
    ...queryEngineHandlers(systemClock, undefined, formatRows),
    [formatTask]: formatHandler(),
  }
  return {
    name: 'engines in this process',
    start: async () => {},
    stop: async () => {},
    async run<Output>(task: { kind: string; input: unknown }, limits: { onProgress?: (value: unknown) => void }) {
      const handler = must(handlers[task.kind], `a handler for ${task.kind}`)
      return (await handler(task.input as never, { progress: limits.onProgress ?? (() => {}) })) as Output
    },
  }
}
