import { setMaxListeners } from 'node:events'

import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, onResponseHookHandler } from 'fastify'

import type { Access } from '../access/access.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { BodyBudget } from '../base/http/read-body.ts'
import type { UploadLane } from '../base/http/uploads/upload-lane.ts'
import { failureOf } from '../base/http/failures.ts'
import type { Logger } from '../base/log.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Collect } from '../collect/collect.ts'
import type { Rejections } from '../collect/rejections.ts'
import type { Replays } from '../collect/replay.ts'
import type { Deliver } from '../deliver/deliver.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { Schedules } from '../jobs/schedules.ts'
import type { Process } from '../process/process.ts'
import type { Quarantine } from '../store/quarantine.ts'
import type { Store } from '../store/store.ts'
import type { Upkeep } from '../store/upkeep.ts'
import type { AnswerTimes } from './answer-times.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { postEvents } from './contract/imports.ts'
import { EventLane } from './event-lane.ts'
import type { Dependency } from './health.ts'
import type { ApiMetrics } from './metrics.ts'
import { openApiDocument } from './openapi.ts'
import { sendProblem } from './problems.ts'
import { requestIds } from './request-ids.ts'
import { RequestLog } from './request-log.ts'
import { serveAccess } from './routes/access.ts'
import { serveColumns } from './routes/columns.ts'
import { serveDatabases } from './routes/databases.ts'
import { serveImports } from './routes/imports.ts'
import { serveJobs } from './routes/jobs.ts'
import { servePages } from './routes/pages.ts'
import { serveQuarantine } from './routes/quarantine.ts'
import { serveQueries } from './routes/queries.ts'
import { serveQueue } from './routes/queue.ts'
import type { QueueParts } from './routes/queue.ts'
import { serveRejections } from './routes/rejections.ts'
import { serveResults } from './routes/results.ts'
import { serveSchedules } from './routes/schedules.ts'
import { serveStatus } from './routes/status.ts'
import { serveTableOperations } from './routes/table-operations.ts'
import { serveTables } from './routes/tables.ts'
import { serveUpkeep } from './routes/upkeep.ts'
import { routePath } from './serve-operation.ts'
import type { OperationHost } from './serve-operation.ts'
import { answerUnknownRoutes } from './unknown-routes.ts'

export interface ApiParts {
  readonly access: Access
  readonly jobs: Jobs
  readonly queue: QueueDoors
  readonly schedules: Schedules
  readonly store: Store
  readonly quarantine: Quarantine
  readonly upkeep: Upkeep
  readonly collect: Collect
  readonly rejections: Rejections
  readonly replays: Replays
  readonly process: Process
  readonly deliver: Deliver
  /** What `/readyz` and `/status` ask. */
  readonly dependencies: readonly Dependency[]
  readonly metrics: ApiMetrics
  /** Of all bodies that this process holds at one time, whatever doors they came through. */
  readonly budget: BodyBudget
  /** For large bodies, before the server. */
  readonly lane: UploadLane
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
  readonly version: string
  readonly limits: ApiLimits
  /** The proxies before the server, whose word is taken for who the client is; none by default. */
  readonly trustedProxies?: readonly string[]
  /** Called after the answer to a request that met a bug: the state of the process is unknown from then on. */
  readonly onBug: (error: unknown) => void
}

export type QueueDoors = Pick<QueueParts, 'limits' | 'deadLetters' | 'workers'>

export interface ApiLimits {
  /** Of one body for import, as it is sent. */
  readonly bodyBytesMax: number
  /** How long a sender may stay silent in the middle of a body. */
  readonly bodySilenceMsMax: number
  /** How long a whole request may take to arrive. */
  readonly requestMsMax: number
}

/** Bodies that are JSON of ours; SQL is the largest thing in them. */
const jsonBytesMax = 4 << 20

/** The HTTP server with the REST API, the probes and the metrics. It listens when told to (`listen`). */
export function buildApi(parts: ApiParts): FastifyInstance {
  const requestId = requestIds(parts.randomness)
  const app = newServer(parts, requestId)
  const closing = closingSignal(app, parts.lane)
  const importBody = { bytesMax: parts.limits.bodyBytesMax, silenceMsMax: parts.limits.bodySilenceMsMax }
  const { answers, ingest } = parts.metrics
  const times = answers.of(routePath(postEvents))
  const eventLane = new EventLane({ ...parts, body: importBody, requestId, times, ingest, closing })
  // They write no lines: where each request is to have one, all go the ordinary way.
  if (!parts.log.isLevelEnabled('info')) {
    eventLane.openAt(app.server)
    parts.lane.openAt(app.server)
  }
  const jsonBody = { bytesMax: jsonBytesMax, silenceMsMax: parts.limits.bodySilenceMsMax }
  const { failures } = eventLane
  const host: OperationHost = { ...parts, app, importBody, jsonBody, closing, failures }
  answerUnknownRoutes(app)
  serveDatabases(host, parts.access, parts.store)
  serveTables(host, parts.access, parts.store)
  serveUpkeep(host, parts.access, parts.upkeep)
  serveQuarantine(host, parts)
  serveTableOperations(host, parts)
  serveColumns(host, parts.access, parts.store)
  serveImports(host, parts.collect, parts.metrics, eventLane)
  serveRejections(host, parts.access, parts.rejections, parts.quarantine)
  serveQueries(host, parts.process, parts.jobs)
  serveJobs(host, parts.jobs)
  serveQueue(host, { ...parts, ...parts.queue })
  serveSchedules(host, parts)
  serveResults(host, parts.jobs, parts.deliver)
  serveAccess(host, parts.access)
  serveStatus(host, parts)
  servePages(app, parts.metrics, openApiDocument)
  return app
}

function newServer(parts: ApiParts, genReqId: ReturnType<typeof requestIds>): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = parts.log
  const app = Fastify({
    loggerInstance,
    trustProxy: [...(parts.trustedProxies ?? [])],
    logController: new LogController({ disableRequestLogging: true }),
    genReqId,
    requestTimeout: parts.limits.requestMsMax,
    // While the server closes, what still comes is answered; the stages refuse what they cannot take any more.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 512 },
    // Some clients put the slash of a path behind that of an address, or behind one that it does not have.
    rewriteUrl: (request) => (request.url ?? '/').replace(/^\/{2,}/, '/'),
    frameworkErrors: (error, request, reply) => answerFailure(parts, error, request, reply),
    clientErrorHandler: answerBrokenRequest,
  })
  app.setChildLoggerFactory((logger, bindings) => new RequestLog(logger, bindings))
  // Operations read their bodies themselves, with their own limits, after they know who sends.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler((error, request, reply) => answerFailure(parts, error, request, reply))
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id)
    done()
  })
  countAnswers(app, parts.metrics.answers)
  app.addHook('onResponse', (request, reply, done) => {
    if (parts.log.isLevelEnabled('info')) {
      const route = request.routeOptions.url ?? 'none'
      request.log.info({ method: request.method, route, status: reply.statusCode, ms: reply.elapsedTime }, 'answered')
    }
    done()
  })
  return app
}

/** Each route counts its answers where it alone does: to ask a request for its route makes an object each time. */
function countAnswers(app: FastifyInstance, answers: AnswerTimes): void {
  const none = answers.of('none')
  app.addHook('onRoute', (route) => {
    const times = answers.of(route.url)
    const count: onResponseHookHandler = (request, reply, done) => {
      times.note(request.method, reply.statusCode, reply.elapsedTime / 1000)
      done()
    }
    route.onResponse = [count, ...[route.onResponse ?? []].flat()]
  })
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) none.note(request.method, reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
}

/** Aborted when the server begins to close. From then on each answer is the last one on its connection. */
function closingSignal(app: FastifyInstance, lane: UploadLane): AbortSignal {
  const closing = new AbortController()
  // As many listen as requests wait.
  setMaxListeners(0, closing.signal)
  app.addHook('preClose', (done) => {
    const hint = 'Ask again in a few seconds.'
    closing.abort(new AppError('shutting_down', 'The server is shutting down.', { hint, retryAfterSeconds: 2 }))
    lane.close()
    done()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing.signal.aborted) void reply.header('connection', 'close')
    done(null, payload)
  })
  return closing.signal
}

function answerFailure(parts: ApiParts, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(request, reply, failureOf(error, request, reply, parts.onBug))
}
