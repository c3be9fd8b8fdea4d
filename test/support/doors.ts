import { join } from 'node:path'

import { openMetrics } from '../../src/api/metrics.ts'
import { openUploadLane } from '../../src/api/open-upload-lane.ts'
import { buildApi } from '../../src/api/server.ts'
import { systemClock } from '../../src/base/clock.ts'
import { BodyBudget } from '../../src/base/http/read-body.ts'
import { openLog } from '../../src/base/log.ts'
import { objectAddress } from '../../src/base/objects/object-address.ts'
import { systemRandomness } from '../../src/base/randomness.ts'
import { importBodyBytesMax } from '../../src/collect/limits.ts'
import { openRejections } from '../../src/collect/rejections/open-rejections.ts'
import { openReplays } from '../../src/collect/replay/open-replays.ts'
import { openDeliver } from '../../src/deliver/open-deliver.ts'
import { openDeadLetters } from '../../src/jobs/open-dead-letters.ts'
import { openFigures } from '../../src/jobs/open-figures.ts'
import { openLimits } from '../../src/jobs/open-limits.ts'
import { openWorkers } from '../../src/jobs/open-workers.ts'
import { openSchedules } from '../../src/jobs/schedules/open-schedules.ts'
import { httpOrigins } from '../../src/protocols/fluent/http-origins.ts'
import { routesOf } from '../../src/protocols/fluent/routes.ts'
import { addProtocols } from '../../src/server/protocols.ts'
import { openIceberg } from '../../src/store/iceberg/open-iceberg.ts'
import { openQuarantine } from '../../src/store/quarantine/open-quarantine.ts'
import { openUpkeep } from '../../src/store/open-upkeep.ts'
import { openParts } from './parts.ts'
import type { Parts, PartsOptions } from './parts.ts'

export interface DoorsOptions extends PartsOptions {
  readonly inflightBytesMax?: number
}

/** All of a server in this process but its roles: the parts, and the network doors before them, on a port of their own. */
export interface Doors {
  readonly parts: Parts
  readonly url: string
  /** What was met that is nobody's fault but ours; a test asserts that it is empty. */
  readonly bugs: readonly unknown[]
  close(): Promise<void>
}

export async function openDoors(options: DoorsOptions = {}): Promise<Doors> {
  const parts = await openParts(options)
  const { postgres, objects, access, jobs, store } = parts
  const ports = { clock: options.clock ?? systemClock, randomness: systemRandomness, log: openLog('silent') }
  const platform = {
    ...ports,
    postgres,
    objects,
    access,
    jobs,
    store,
    collect: parts.collect,
    bulk: parts.bulk,
    process: parts.process,
  }
  const address = objectAddress({ location: join(parts.folder, 'objects') })
  const upkeep = openUpkeep(platform)
  const bugs: unknown[] = []
  const rejections = openRejections(platform)
  await rejections.start()
  const common = {
    metrics: openMetrics({ version: '0', jobs, figures: openFigures(postgres), upkeep, log: ports.log }),
    budget: new BodyBudget(options.inflightBytesMax ?? 256 << 20),
    limits: { bodyBytesMax: importBodyBytesMax, bodySilenceMsMax: 15_000, requestMsMax: 120_000 },
  }
  const shared = {
    ...platform,
    ...common,
    lane: openUploadLane({ ...platform, ...common }),
    deliver: openDeliver({ jobs, objects, waitMsMax: 60_000 }),
    rejections,
    schedules: openSchedules(platform),
    onBug: (error: unknown) => bugs.push(error),
  }
  const quarantine = openQuarantine(platform)
  const app = buildApi({
    ...shared,
    quarantine,
    replays: openReplays({ jobs, quarantine }),
    upkeep,
    queue: {
      limits: openLimits(platform),
      deadLetters: openDeadLetters(platform),
      workers: openWorkers(postgres),
    },
    dependencies: [{ name: 'object_store', check: () => objects.check() }],
    version: '0',
    trustedProxies: ['127.0.0.1'],
  })
  addProtocols(app, {
    ...shared,
    catalog: openIceberg({ ...platform, address, graceMs: 3_600_000 }),
    address,
    fluent: { routeOf: routesOf([]), apiKey: '', origins: httpOrigins('https://*.example.com') },
    redirectHosts: ['*.example.com'],
    uploadBytesMax: importBodyBytesMax,
    bodySilenceMsMax: common.limits.bodySilenceMsMax,
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    parts,
    url,
    bugs,
    async close() {
      app.server.closeAllConnections()
      await app.close()
      await rejections.stop()
      await parts.close()
    },
  }
}
