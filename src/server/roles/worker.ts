// Before all others, because it starts an engine.
import { batches, batchesMax, imports, merges, queries } from '../worker-engines.ts'
import { hostname } from 'node:os'

import type { ForkedEngines } from '../../base/engines/open-engine-pool.ts'
import type { EnginePool } from '../../base/engines/engines.ts'
import { AppError } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import { postgresAt } from '../../base/postgres/postgres.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { uuidv7 } from '../../base/randomness.ts'
import type { Service } from '../../base/service.ts'
import { commitJob } from '../../collect/bulk/commit-job.ts'
import { performJob } from '../../collect/bulk/perform-job.ts'
import { importJob } from '../../collect/import-job.ts'
import { replayJob } from '../../collect/replay/replay-job.ts'
import { delivering, exportJob } from '../../deliver/exports/export-job.ts'
import { readying } from '../../deliver/ready-format.ts'
import { resultJob } from '../../deliver/result-job.ts'
import { openJobRunner } from '../../jobs/job-runner.ts'
import type { JobKind } from '../../jobs/jobs.ts'
import { workerServerSettings } from '../../jobs/plans.ts'
import { openWorkerRegistration } from '../../jobs/worker-registration.ts'
import { queryJobKind } from '../../process/query-job.ts'
import { mergeJob } from '../../store/merge/merge-job.ts'
import { restateJob } from '../../store/schema/restate-job.ts'
import { openQuarantine } from '../../store/quarantine/open-quarantine.ts'
import { verifyJob } from '../../store/verify/verify-job.ts'
import { codeVersion } from '../code-version.ts'
import { openPlatform } from '../platform.ts'
import type { Platform } from '../platform.ts'
import { noteRole } from '../predecessors.ts'
import { runRole } from '../role-process.ts'
import { settingsOfRole } from '../role-settings.ts'
import { makeScratchDirectory } from '../scratch-directory.ts'
import { findGoneWorkers, noteWorker } from '../worker-notes.ts'

/** The worker: takes jobs from the queue, and has engine processes do what is dangerous. */
const settings = settingsOfRole()
const log = openLog(settings.logLevel, { role: 'worker' })
const version = codeVersion()

const resultLimits = {
  memoryBytes: settings.queryMemoryBytes,
  residentBytesMax: settings.queryMemoryBytes * 2 + 512 * 2 ** 20,
  outputBytesMax: settings.queryTemporaryBytes,
  timeoutMs: settings.queryTimeoutSeconds * 1000,
}

const queryLimits = {
  memoryBytes: settings.queryMemoryBytes,
  temporaryBytes: settings.queryTemporaryBytes,
  scanBytes: settings.queryScanBytes,
  timeoutMs: settings.queryTimeoutSeconds * 1000,
  threads: 2,
}

/** A merge may spill, and take its time. */
const mergeLimits = {
  memoryBytes: settings.queryMemoryBytes,
  temporaryBytes: settings.queryTemporaryBytes,
  residentBytesMax: settings.queryMemoryBytes * 2 + 512 * 2 ** 20,
  timeoutMs: 3_600_000,
  threads: 2,
}

await runRole(
  log,
  async (begun) => {
    const platform = await openPlatform(settings, 'worker', log)
    const scratchDirectory = await makeScratchDirectory(platform.disk, platform.paths.scratch)
    const kinds = withConcurrency([
      importKind(platform, imports, scratchDirectory),
      ...bulkKinds(platform, imports, scratchDirectory),
      replayKind(platform, imports, scratchDirectory),
      queryKind(platform, queries, scratchDirectory),
      batchKind(platform, batches, scratchDirectory),
      resultKind(platform, queries, scratchDirectory),
      exportJob({ ...platform, ...exporting(queries, scratchDirectory), concurrency: settings.enginesMax }),
      mergeJob(upkeepOptions(platform, merges, scratchDirectory)),
      restateJob(upkeepOptions(platform, merges, scratchDirectory)),
      verifyJob({
        ...upkeepOptions(platform, merges, scratchDirectory),
        bytesPerSecondMax: settings.verifyBytesPerSecond,
      }),
    ])
    const name = `worker ${process.pid} ${uuidv7(platform.clock, platform.randomness)}`
    const leases = leaseConnections()
    const registration = openWorkerRegistration({
      ...platform,
      worker: {
        name,
        host: hostname(),
        pid: process.pid,
        version,
        kinds: kinds.map(({ kind, concurrency }) => ({ kind, concurrency })),
      },
    })
    await begun(queries.start())
    const { disk, paths } = platform
    const gone = await findGoneWorkers(disk, paths.workers, log)
    await noteWorker(disk, paths.workers, name, log)
    // A worker that dies with its machine delays its jobs by the lease, and a heartbeat.
    const runner = openJobRunner({ ...platform, postgres: leases.postgres, owner: name, leaseMs: 6000, kinds, gone })
    const pools = [queries, batches, kindled(imports), merges]
    return {
      services: [...platform.services, leases, ...pools, runner, registration],
      note: () => noteRole(platform.notes, 'worker'),
    }
  },
  [queries],
)

/** Queries need not wait until conversions can begin. A pool whose processes do not come up ends the worker, as every bug does. */
function kindled(pool: ForkedEngines): Service {
  const { name } = pool
  let isStopping = false
  return {
    name,
    async start() {
      void pool.start().catch((error: unknown) => {
        if (!isStopping) throw error
      })
    },
    drain: () => pool.drain?.() ?? Promise.resolve(),
    stop() {
      isStopping = true
      return pool.stop()
    },
  }
}

/** The queue has connections of its own: no commit of a chunk may keep a heartbeat waiting. */
function leaseConnections(): Service & { readonly postgres: Postgres } {
  const postgres = postgresAt({
    url: settings.databaseUrl,
    connectionsMax: 6,
    applicationName: 'biwa worker queue',
    serverSettings: workerServerSettings,
  })
  return { name: 'lease-connections', postgres, start: async () => {}, stop: () => postgres.close() }
}

/** The kinds with the concurrency that the settings ask for. Fails with `startup` where these name an unknown kind. */
function withConcurrency(kinds: readonly JobKind[]): JobKind[] {
  const wanted = new Map(settings.concurrency.map(({ kind, concurrency }) => [kind, concurrency]))
  const known = kinds.map(({ kind }) => kind)
  const unknown = [...wanted.keys()].find((kind) => !known.includes(kind))
  if (unknown !== undefined) {
    throw new AppError('startup', `--concurrency: “${unknown}” is none of ${known.join(', ')}.`)
  }
  return kinds.map((kind) => ({ ...kind, concurrency: wanted.get(kind.kind) ?? kind.concurrency }))
}

function importKind(platform: Platform, engines: EnginePool, scratchDirectory: string): JobKind {
  return importJob({
    ...platform,
    engines,
    inboxDirectory: platform.paths.inbox,
    scratchDirectory,
    concurrency: settings.enginesMax * 2,
  })
}

/** Bulk imports share the engine processes of other imports. */
function bulkKinds(platform: Platform, engines: EnginePool, scratchDirectory: string): JobKind[] {
  const options = { ...platform, engines, scratchDirectory, concurrency: settings.enginesMax }
  return [performJob(options), commitJob(options)]
}

function replayKind(platform: Platform, engines: EnginePool, scratchDirectory: string): JobKind {
  const quarantine = openQuarantine(platform)
  return replayJob({ ...platform, quarantine, engines, scratchDirectory, concurrency: settings.enginesMax })
}

function queryKind(platform: Platform, engines: EnginePool, scratchDirectory: string): JobKind {
  const concurrency = settings.enginesMax * 2
  const kind = queryJobKind({ ...platform, engines, scratchDirectory, concurrency, limits: queryLimits })
  const parts = { ...platform, ...exporting(engines, scratchDirectory) }
  return readying(delivering(kind, parts), parts)
}

function batchKind(platform: Platform, engines: EnginePool, scratchDirectory: string): JobKind {
  const limits = {
    ...queryLimits,
    temporaryBytes: settings.batchTemporaryBytes,
    timeoutMs: settings.batchTimeoutSeconds * 1000,
  }
  const kind = queryJobKind({ ...platform, engines, scratchDirectory, concurrency: batchesMax, limits }, 'batch')
  return delivering(kind, { ...platform, ...exporting(engines, scratchDirectory) })
}

function resultKind(platform: Platform, engines: EnginePool, scratchDirectory: string): JobKind {
  return resultJob({
    ...platform,
    engines,
    scratchDirectory,
    concurrency: settings.enginesMax,
    limits: resultLimits,
  })
}

/** With what results are put into tables. */
function exporting(engines: EnginePool, scratchDirectory: string) {
  return { engines, scratchDirectory, limits: resultLimits }
}

function upkeepOptions(platform: Platform, engines: EnginePool, scratchDirectory: string) {
  return {
    ...platform,
    engines,
    scratchDirectory,
    concurrency: 1,
    limits: mergeLimits,
  }
}
