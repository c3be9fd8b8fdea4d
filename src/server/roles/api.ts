import { openMetrics } from '../../api/metrics.ts'
import type { ApiMetrics } from '../../api/metrics.ts'
import { openDeadLetters } from '../../jobs/open-dead-letters.ts'
import { openFigures } from '../../jobs/open-figures.ts'
import { openLimits } from '../../jobs/open-limits.ts'
import { openWorkers } from '../../jobs/open-workers.ts'
import { openSchedules } from '../../jobs/schedules/open-schedules.ts'
import { openUploadLane } from '../../api/open-upload-lane.ts'
import { buildApi } from '../../api/server.ts'
import { BodyBudget } from '../../base/http/read-body.ts'
import { openLog } from '../../base/log.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { packageVersion } from '../../base/project-files.ts'
import type { BulkImports } from '../../collect/bulk/bulk-imports.ts'
import { openBulkImports } from '../../collect/bulk/open-bulk-imports.ts'
import { importBodyBytesMax } from '../../collect/limits.ts'
import { openReplays } from '../../collect/replay/open-replays.ts'
import type { Rejections } from '../../collect/rejections.ts'
import { openRejections } from '../../collect/rejections/open-rejections.ts'
import { openDeliver } from '../../deliver/open-deliver.ts'
import { openProcess } from '../../process/open-process.ts'
import { openQuarantine } from '../../store/quarantine/open-quarantine.ts'
import { openUpkeep } from '../../store/open-upkeep.ts'
import type { Upkeep } from '../../store/upkeep.ts'
import { inHttpSettings, openInHttpPort } from '../in-http.ts'
import type { InHttpOptions } from '../../protocols/fluent/in-http.ts'
import { HttpListener } from '../http-listener.ts'
import { openIntake } from '../intake.ts'
import { addressOfObjects, openCatalog, openPlatform } from '../platform.ts'
import type { Platform } from '../platform.ts'
import { openForward } from '../forward.ts'
import { addProtocols } from '../protocols.ts'
import { socketsOf } from '../role-messages.ts'
import { noteRole } from '../predecessors.ts'
import { runRole } from '../role-process.ts'
import { settingsOfRole } from '../role-settings.ts'
import { makeScratchDirectory } from '../scratch-directory.ts'

/** The api: all network doors, and the inbox behind those that take data in. */
const settings = settingsOfRole()
const log = openLog(settings.logLevel, { role: 'api' })
const version = packageVersion()

/** Bodies of data, and how long a sender may stay silent in the middle of one. */
const uploads = { uploadBytesMax: importBodyBytesMax, bodySilenceMsMax: 15_000 }

const queryTimeouts = {
  interactive: settings.queryTimeoutSeconds * 1000,
  batch: settings.batchTimeoutSeconds * 1000,
}

function onBug(error: unknown): void {
  log.fatal({ err: error }, 'a bug ends this process')
  process.exit(1)
}

await runRole(log, async (begun) => {
  const platform = await openPlatform(settings, 'api', log)
  const collect = openIntake(platform)
  const scratchDirectory = await makeScratchDirectory(platform.disk, platform.paths.scratch)
  const bulk = openBulkImports({ ...platform, scratchDirectory })
  const rejections = openRejections(platform)
  const upkeep = openUpkeep(platform)
  const figures = openFigures(platform.postgres)
  const metrics = openMetrics({ version, jobs: platform.jobs, figures, upkeep, log })
  const budget = new BodyBudget(settings.inflightBytes)
  const doors = { collect, bulk, rejections, metrics, budget, fluent: inHttpSettings(settings), ...uploads, onBug }
  const app = buildApp(platform, doors, upkeep)
  await app.ready()
  const { previous, sockets } = await begun()
  const wanted = { host: settings.host, port: portOf(previous, 'port') ?? settings.port, flag: '--port' }
  const http = new HttpListener(app, wanted, sockets.get('http'))
  const forward = openForward({
    platform,
    collect,
    metrics,
    rejections,
    onBug,
    previousPort: portOf(previous, 'fluentPort'),
    inherited: sockets.get('forward'),
  })
  const inHttp = openInHttpPort({
    ...platform,
    ...doors,
    previousPort: portOf(previous, 'inHttpPort'),
    inherited: sockets.get('in_http'),
  })
  const more = [forward, inHttp].filter((listener) => listener !== undefined)
  return {
    services: [...platform.services, rejections, collect, http, ...more],
    announce: () => ({ url: http.url, port: http.port, fluentPort: forward?.port, inHttpPort: inHttp?.port }),
    note: () => noteRole(platform.notes, 'api'),
    sockets: () => socketsOf({ http: http.socket, forward: forward?.socket, in_http: inHttp?.socket }),
  }
})

/** A role that is started again answers where it answered before, also when the port was any free one. */
function portOf(previous: unknown, name: 'port' | 'fluentPort' | 'inHttpPort'): number | undefined {
  if (typeof previous !== 'object' || previous === null) return undefined
  const port = (previous as Partial<Record<typeof name, unknown>>)[name]
  return typeof port === 'number' ? port : undefined
}

interface Doors extends Omit<InHttpOptions, 'access' | 'clock'> {
  readonly bulk: BulkImports
  readonly rejections: Rejections
  readonly metrics: ApiMetrics
}

function buildApp(platform: Platform, doors: Doors, upkeep: Upkeep) {
  const { access, jobs, objects, postgres } = platform
  const quarantine = openQuarantine(platform)
  const shared = {
    ...platform,
    ...doors,
    upkeep,
    process: openProcess({ access, jobs, clock: platform.clock, timeoutMs: queryTimeouts }),
    deliver: openDeliver({ jobs, objects, waitMsMax: 60_000 }),
    schedules: openSchedules(platform),
  }
  const { uploadBytesMax: bodyBytesMax, bodySilenceMsMax } = uploads
  const limits = { bodyBytesMax, bodySilenceMsMax, requestMsMax: 120_000 }
  const lane = openUploadLane({ ...shared, limits })
  const app = buildApi({
    ...shared,
    lane,
    quarantine,
    replays: openReplays({ jobs, quarantine }),
    queue: {
      limits: openLimits(platform),
      deadLetters: openDeadLetters(platform),
      workers: openWorkers(postgres),
    },
    dependencies: [
      { name: 'database', check: async () => void (await postgres.query(sql`select 1`)) },
      { name: 'object_store', check: () => objects.check() },
    ],
    version,
    trustedProxies: settings.trustedProxies,
    limits,
  })
  addProtocols(app, {
    ...shared,
    lane,
    catalog: openCatalog(platform),
    address: addressOfObjects(settings),
    redirectHosts: settings.redirectHosts,
  })
  return app
}
