import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'

import type { Access, Principal } from '../../access/access.ts'
import type { Clock } from '../../base/clock.ts'
import { AppError, isAppError } from '../../base/errors.ts'
import { failureOf } from '../../base/http/failures.ts'
import { countedIngest } from '../../base/http/ingest-metrics.ts'
import type { IngestMetrics } from '../../base/http/ingest-metrics.ts'
import { readBody } from '../../base/http/read-body.ts'
import type { BodyBudget } from '../../base/http/read-body.ts'
import type { Collect } from '../../collect/collect.ts'
import type { Rejections } from '../../collect/rejections.ts'
import { eventsOf, timeUsOf } from './http-events.ts'
import type { HttpOrigins } from './http-origins.ts'
import type { RouteOf, Target } from './routes.ts'

export interface InHttpOptions {
  readonly access: Access
  readonly collect: Collect
  readonly clock: Clock
  readonly metrics: IngestMetrics
  readonly rejections: Pick<Rejections, 'note'>
  /** Of all bodies that this process holds at one time. */
  readonly budget: BodyBudget
  readonly uploadBytesMax: number
  readonly bodySilenceMsMax: number
  readonly fluent: {
    readonly routeOf: RouteOf
    /** As which requests write that bring no key; empty where each has to bring one. */
    readonly apiKey: string
    readonly origins: HttpOrigins
  }
  /** Called after the answer to a request that met a bug. */
  readonly onBug: (error: unknown) => void
}

/** What Fluentd's `in_http` takes: the path is the tag. Register it with any prefix. */
export function inHttp(options: InHttpOptions): FastifyPluginAsync {
  const { origins } = options.fluent
  return async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.setErrorHandler((error, request, reply) => answerFailure(options, error, request, reply))
    scope.addHook('onRequest', async (request, reply) => {
      void reply.headers(origins.headersFor(request.headers.origin))
    })
    scope.options('/*', (request, reply) =>
      reply.status(200).headers(origins.preflightFor(request.headers.origin)).send(),
    )
    scope.post('/*', async (request, reply) => {
      await take(options, request)
      return reply.status(200).type('text/plain').send('')
    })
  }
}

/** Whose request it is, and where it goes, as far as that is known when it is refused. */
interface Known {
  key?: string
  principal?: Principal
  target?: Target
}

async function take(options: InHttpOptions, request: FastifyRequest): Promise<void> {
  const { access, fluent, rejections } = options
  const known: Known = {}
  try {
    fluent.origins.require(request.headers.origin)
    known.key = keyOf(request.headers.authorization, fluent.apiKey)
    known.principal = await access.authenticate(known.key, request.headers.origin)
    known.target = fluent.routeOf(tagOf(request))
    await keep(options, request, known.principal, known.target)
  } catch (error) {
    if (isAppError(error)) {
      const { key, principal, target } = known
      rejections.note({
        accountId: principal?.accountId ?? null,
        keyId: principal?.keyId ?? null,
        unknownKey: principal === undefined ? key : undefined,
        door: 'in_http',
        code: error.code,
        detail: error.message,
        database: target?.database ?? null,
        table: target?.table ?? null,
      })
    }
    throw error
  }
}

async function keep(
  options: InHttpOptions,
  request: FastifyRequest,
  principal: Principal,
  target: Target,
): Promise<void> {
  const { collect, metrics, budget, clock, uploadBytesMax: bytesMax, bodySilenceMsMax: silenceMsMax } = options
  const { headers } = request
  const query = request.query as Readonly<Record<string, string>>
  const length = headers['content-length']
  const announced = length === undefined ? undefined : Number(length)
  const { bytes, release } = await readBody(request.raw, announced, { bytesMax, silenceMsMax }, budget, clock)
  try {
    await countedIngest(metrics, 'in_http', bytes, async () => {
      const { 'content-type': contentType = '', 'content-encoding': contentEncoding = '' } = headers
      const events = await eventsOf({ contentType, contentEncoding, bytes }, query, bytesMax)
      const uniqueId = headers['idempotency-key']
      await collect.accept({
        principal,
        ...target,
        ...events,
        uniqueId: typeof uniqueId === 'string' ? uniqueId : null,
        timeColumn: null,
        timeUs: timeUsOf(query['time']),
        door: 'in_http',
      })
    })
  } finally {
    release()
  }
}

/** The path behind the prefix, with its slashes as dots. */
function tagOf(request: FastifyRequest): string {
  const path = (request.params as { readonly '*': string })['*']
  return path
    .split('/')
    .filter((part) => part !== '')
    .join('.')
}

/** A bearer token, or the name or password of a user, whichever of them is an API key. */
function keyOf(header: string | undefined, apiKey: string): string {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(header ?? '') ?? []
  if (bearer !== undefined) return bearer
  const [, basic] = /^basic +(\S+) *$/i.exec(header ?? '') ?? []
  const [, user = '', password = ''] = /^([^:]*):(.*)$/.exec(Buffer.from(basic ?? '', 'base64').toString()) ?? []
  const key = password.includes('/') ? password : user || apiKey
  if (key !== '') return key
  throw new AppError('unauthenticated', 'The request carries no API key.', {
    hint: 'Send “Authorization: Bearer <key>”, or the key as user name, or start Biwa with --fluent-api-key.',
  })
}

function answerFailure(
  { onBug }: InHttpOptions,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const failure = failureOf(error, request, reply, onBug)
  const status = statusOf(failure)
  if (status === 503) void reply.header('retry-after', Math.ceil(failure.retryAfterSeconds ?? 1))
  if (status === 408) void reply.header('connection', 'close')
  const text = [`${status} ${failure.message}`, failure.hint].filter((line) => line !== undefined).join('\n')
  return reply.status(status).type('text/plain').send(`${text}\n`)
}

/** Clients of `in_http` know few statuses: what is wrong with a request is 400, and what may pass by itself 503. */
function statusOf({ status, retryable }: AppError): number {
  if ([401, 403, 408, 413].includes(status)) return status
  if (status >= 500 || retryable) return retryable ? 503 : 500
  return 400
}
