import { openEnginePool } from '../../base/engines/open-engine-pool.ts'
import type { EnginePool } from '../../base/engines/engines.ts'
import { openLog } from '../../base/log.ts'
import { uuidv7 } from '../../base/randomness.ts'
import { importJob } from '../../collect/import-job.ts'
import { resultJob } from '../../deliver/result-job.ts'
import { openJobRunner } from '../../jobs/job-runner.ts'
import type { JobKind } from '../../jobs/jobs.ts'
import { queryJobKind } from '../../process/query-job.ts'
import { openPlatform } from '../platform.ts'
import type { Platform } from '../platform.ts'
import { runRole } from '../role-process.ts'
import { settingsOfRole } from '../role-settings.ts'

/** The worker: takes jobs from the queue, and has engine processes do what is dangerous. */
const settings = settingsOfRole()
const log = openLog(settings.logLevel, { role: 'worker' })

await runRole(log, async () => {
  const platform = await openPlatform(settings, 'worker', log)
  // What a worker that was killed left half done is of no use to anybody.
  await platform.disk.removeDirectory(platform.paths.scratch)
  const queries = enginePool(platform, 'queries', settings.enginesMax)
  const imports = enginePool(platform, 'imports', settings.enginesMax)
  const runner = openJobRunner({
    ...platform,
    owner: `worker ${process.pid} ${uuidv7(platform.clock, platform.randomness)}`,
    // A worker that is killed delays its jobs by so much, and a heartbeat.
    leaseMs: 6000,
    kinds: [importKind(platform, imports), queryKind(platform, queries), resultKind(platform, queries)],
  })
  return { services: [...platform.services, queries, imports, runner] }
})

function enginePool(platform: Platform, name: string, size: number): EnginePool {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const entry = new URL(`../engine.${extension}`, import.meta.url)
  return openEnginePool({ name, entry, size, clock: platform.clock, log: platform.log })
}

function importKind(platform: Platform, engines: EnginePool): JobKind {
  return importJob({
    ...platform,
    engines,
    inboxDirectory: platform.paths.inbox,
    scratchDirectory: platform.paths.scratch,
    concurrency: settings.enginesMax * 2,
  })
}

function queryKind(platform: Platform, engines: EnginePool): JobKind {
  return queryJobKind({
    ...platform,
    engines,
    scratchDirectory: platform.paths.scratch,
    concurrency: settings.enginesMax * 2,
    limits: {
      memoryBytes: settings.queryMemoryBytes,
      temporaryBytes: settings.queryTemporaryBytes,
      scanBytes: settings.queryScanBytes,
      timeoutMs: settings.queryTimeoutSeconds * 1000,
      threads: 2,
    },
  })
}

function resultKind(platform: Platform, engines: EnginePool): JobKind {
  return resultJob({
    ...platform,
    engines,
    scratchDirectory: platform.paths.scratch,
    concurrency: settings.enginesMax,
    limits: {
      memoryBytes: settings.queryMemoryBytes,
      residentBytesMax: settings.queryMemoryBytes * 2 + 512 * 2 ** 20,
      outputBytesMax: settings.queryTemporaryBytes,
      timeoutMs: settings.queryTimeoutSeconds * 1000,
    },
  })
}
