import { Readable } from 'node:stream'

import type { FastifyInstance } from 'fastify'

import type { Access, Principal } from '../../access/access.ts'
import { systemClock } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { AppError } from '../../base/errors.ts'
import { BodyBudget } from '../../base/http/read-body.ts'
import { openLog } from '../../base/log.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Collect, ImportRequest } from '../../collect/collect.ts'
import type { Rejection, Rejections } from '../../collect/rejections.ts'
import type { Replays } from '../../collect/replay.ts'
import type { Deliver } from '../../deliver/deliver.ts'
import type { Figures, JobFigures } from '../../jobs/figures.ts'
import type { Job, Jobs } from '../../jobs/jobs.ts'
import type { Schedules } from '../../jobs/schedules.ts'
import type { Process } from '../../process/process.ts'
import type { Quarantine } from '../../store/quarantine.ts'
import type { Store } from '../../store/store.ts'
import type { Upkeep } from '../../store/upkeep.ts'
import { openMetrics } from '../metrics.ts'
import { openUploadLane } from '../open-upload-lane.ts'
import { buildApi } from '../server.ts'
import type { QueueDoors } from '../server.ts'
import type { ApiLimits } from '../server.ts'

/** Keys that the light API knows, and who they are. */
export const principals: Readonly<Record<string, Principal>> = {
  '1/full': { accountId: 1, userId: 1, keyId: 1, keyKind: 'full', role: 'owner' },
  '1/import': { accountId: 1, userId: 1, keyId: 2, keyKind: 'import', role: 'owner' },
  '1/member': { accountId: 1, userId: 2, keyId: 3, keyKind: 'full', role: 'member' },
}

export interface LightApi {
  readonly app: FastifyInstance
  readonly imports: ImportRequest[]
  readonly rejections: Rejection[]
  readonly bugs: unknown[]
}

export interface LightParts {
  readonly collect?: Partial<Collect>
  readonly store?: Partial<Store>
  readonly jobs?: Partial<Jobs>
  readonly figures?: Partial<JobFigures>
  readonly process?: Partial<Process>
  readonly deliver?: Partial<Deliver>
  readonly limits?: Partial<ApiLimits> & { readonly inflightBytesMax?: number }
  readonly clock?: Clock
  readonly broken?: readonly string[]
}

/**
 * The real HTTP server over doors that do next to nothing: for tests of what the API does by itself (shapes, limits,
 * failures). What a test does not give is absent, and calling it is a bug.
 */
export function lightApi(parts: LightParts = {}): LightApi {
  const imports: ImportRequest[] = []
  const rejections: Rejection[] = []
  const bugs: unknown[] = []
  const collect: Partial<Collect> = {
    awaitRoom: async () => () => {},
    async accept(request) {
      imports.push(request)
      return { uniqueId: request.uniqueId ?? 'given', bytes: request.body.byteLength }
    },
    ...parts.collect,
  }
  const jobs: Partial<Jobs> = { depth: async () => [], ...parts.jobs }
  const noSchedules = { active: 0, paused: 0, lateSeconds: 0, fired: [] }
  const figures: Figures = {
    read: async () => ({ limits: [], retries: [], dead: [], schedules: noSchedules, ...parts.figures }),
  }
  const noDamage: Pick<Upkeep, 'damage'> = { damage: async () => ({ chunks: 0, rows: 0, bytes: 0 }) }
  const { inflightBytesMax = 5000, ...limits } = parts.limits ?? {}
  const log = openLog('silent')
  const metrics = openMetrics({ version: '1.2.3', jobs: jobs as Jobs, figures, upkeep: noDamage, log })
  const budget = new BodyBudget(inflightBytesMax)
  const allLimits = { bodyBytesMax: 1000, bodySilenceMsMax: 60_000, requestMsMax: 120_000, ...limits }
  const clock = parts.clock ?? systemClock
  const common = { metrics, budget, clock, limits: allLimits, randomness: systemRandomness }
  const app = buildApi({
    ...common,
    lane: openUploadLane(common),
    access: lightAccess() as Access,
    jobs: jobs as Jobs,
    store: (parts.store ?? {}) as Store,
    quarantine: {} as Quarantine,
    replays: {} as Replays,
    upkeep: {} as Upkeep,
    queue: {} as QueueDoors,
    schedules: {} as Schedules,
    collect: collect as Collect,
    rejections: { note: (rejection: Rejection) => void rejections.push(rejection) } as Rejections,
    process: (parts.process ?? {}) as Process,
    deliver: (parts.deliver ?? {}) as Deliver,
    dependencies: ['database', 'object_store'].map((name) => ({
      name,
      async check() {
        if (parts.broken?.includes(name)) throw new Error(`the ${name} is away`)
      },
    })),
    log,
    version: '1.2.3',
    onBug: (error) => bugs.push(error),
  })
  return { app, imports, rejections, bugs }
}

function lightAccess(): Partial<Access> {
  return {
    async authenticate(key) {
      const principal = principals[key]
      if (principal !== undefined) return principal
      throw new AppError('unauthenticated', 'The API key is not valid.')
    },
    may: async (principal) => principal.role === 'owner',
    async require(principal) {
      if (principal.role !== 'owner') throw new AppError('forbidden', 'The user may not.')
    },
    account: async () => ({ id: 1, name: 'one', createdAt: new Date(0) }),
  }
}

/** A job of account 1, user 1, that has just been submitted. */
export function lightJob(fields: Partial<Job> = {}): Job {
  const at = new Date(0)
  return {
    id: 7,
    accountId: 1,
    userId: 1,
    kind: 'query',
    state: 'queued',
    priority: 0,
    uniqueKey: null,
    input: { sql: 'select 1', database: null, principal: principals['1/full'] },
    progress: null,
    output: null,
    error: null,
    runAt: at,
    attempt: 0,
    attemptsMax: 3,
    timeoutMs: null,
    killRequestedAt: null,
    createdAt: at,
    startedAt: null,
    finishedAt: null,
    ...fields,
  }
}

/** Delivers `text` as the result of every job. */
export function lightDeliver(text: string): Deliver {
  const bytes = Buffer.from(text)
  return {
    result: async (job, format) => ({
      contentType: 'application/json',
      bytes: bytes.byteLength,
      etag: `"${job.id}-${format}"`,
      stream: async (range) => Readable.from([bytes.subarray(range?.from, range?.to)]),
    }),
    knownBytes: async () => bytes.byteLength,
    exportResult: () => Promise.reject(new Error('nothing is exported here')),
  }
}
