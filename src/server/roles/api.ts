import { readFileSync } from 'node:fs'

import { openMetrics } from '../../api/metrics.ts'
import { openDeadLetters } from '../../jobs/open-dead-letters.ts'
import { openFigures } from '../../jobs/open-figures.ts'
import { openLimits } from '../../jobs/open-limits.ts'
import { openWorkers } from '../../jobs/open-workers.ts'
import { openSchedules } from '../../jobs/schedules/open-schedules.ts'
import { buildApi } from '../../api/server.ts'
import { BodyBudget } from '../../base/http/read-body.ts'
import { openLog } from '../../base/log.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { Collect } from '../../collect/collect.ts'
import { importBodyBytesMax } from '../../collect/limits.ts'
import { openRejections } from '../../collect/rejections/open-rejections.ts'
import type { Rejections } from '../../collect/rejections.ts'
import { openDeliver } from '../../deliver/open-deliver.ts'
import { openProcess } from '../../process/open-process.ts'
import { openQuarantine } from '../../store/quarantine/open-quarantine.ts'
import { openUpkeep } from '../../store/open-upkeep.ts'
import { HttpListener } from '../http-listener.ts'
import { openIntake } from '../intake.ts'
import { addressOfObjects, openCatalog, openPlatform } from '../platform.ts'
import type { Platform } from '../platform.ts'
import { addProtocols } from '../protocols.ts'
import { runRole } from '../role-process.ts'
import { settingsOfRole } from '../role-settings.ts'

/** The api: all network doors, and the inbox behind those that take data in. */
const settings = settingsOfRole()
const log = openLog(settings.logLevel, { role: 'api' })

/** How long a sender may stay silent in the middle of a body. */
const bodySilenceMsMax = 15_000

await runRole(log, async ({ previous, socket }) => {
  const platform = await openPlatform(settings, 'api', log)
  const collect = openIntake(platform)
  const rejections = openRejections(platform)
  const app = buildApp(platform, collect, rejections)
  const listener = new HttpListener(app, settings.host, portOf(previous) ?? settings.port, socket)
  return {
    services: [...platform.services, rejections, collect, listener],
    announce: () => ({ url: listener.url, port: listener.port }),
    socket: () => listener.socket,
  }
})

/** A role that is started again answers where it answered before, also when the port was any free one. */
function portOf(previous: unknown): number | undefined {
  if (typeof previous !== 'object' || previous === null || !('port' in previous)) return undefined
  return typeof previous.port === 'number' ? previous.port : undefined
}

const queryTimeouts = {
  interactive: settings.queryTimeoutSeconds * 1000,
  batch: settings.batchTimeoutSeconds * 1000,
}

function buildApp(platform: Platform, collect: Collect, rejections: Rejections) {
  const { access, jobs, objects, postgres } = platform
  const version = versionOfPackage()
  const upkeep = openUpkeep(platform)
  const onBug = (error: unknown): void => {
    log.fatal({ err: error }, 'a bug ends this process')
    process.exit(1)
  }
  const shared = {
    ...platform,
    collect,
    process: openProcess({ access, jobs, clock: platform.clock, timeoutMs: queryTimeouts }),
    deliver: openDeliver({ jobs, objects, waitMsMax: 60_000 }),
    metrics: openMetrics({ version, jobs, figures: openFigures(postgres), upkeep, log }),
    budget: new BodyBudget(settings.inflightBytes),
    rejections,
    schedules: openSchedules(platform),
    onBug,
  }
  const app = buildApi({
    ...shared,
    quarantine: openQuarantine(platform),
    upkeep,
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
    limits: { bodyBytesMax: importBodyBytesMax, bodySilenceMsMax, requestMsMax: 120_000 },
  })
  addProtocols(app, {
    ...shared,
    catalog: openCatalog(platform),
    address: addressOfObjects(settings),
    redirectHosts: settings.redirectHosts,
    uploadBytesMax: importBodyBytesMax,
    bodySilenceMsMax,
  })
  return app
}

function versionOfPackage(): string {
  const description = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(description) as { version: string }).version
}
