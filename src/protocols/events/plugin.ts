import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'

import { AppError, isAppError } from '../../base/errors.ts'
import { failureOf } from '../../base/http/failures.ts'
import { countedIngest } from '../../base/http/ingest-metrics.ts'
import { overloaded, readBody } from '../../base/http/read-body.ts'
import type { BodyBudget } from '../../base/http/read-body.ts'
import type { Rejection } from '../../collect/rejections.ts'
import { errorAnswer, retryAfterOf } from '../td/errors.ts'
import { corsHeaders, originOf, preflightHeaders } from './cors.ts'
import { statusOf } from './errors.ts'
import { Visitor } from './global-id.ts'
import { callbackOf, scriptOf } from './jsonp.ts'
import { requestBytesMax } from './limits.ts'
import { marked, routeMarkedRequests } from './marked-requests.ts'
import type { Answer, Call, EventParts, Operation } from './operation.ts'
import { operations } from './operations.ts'
import { inflated } from './read-text.ts'

export interface EventPluginOptions extends EventParts {
  /** Of all bodies that this process holds at one time. */
  readonly budget: BodyBudget
  readonly bodySilenceMsMax: number
  /** Called after the answer to a request that met a bug. */
  readonly onBug: (error: unknown) => void
}

/** The event collector: what pages, apps and third parties send. Its paths are those of the SDKs, so it has no prefix. */
export function eventCollector(options: EventPluginOptions): FastifyPluginAsync {
  return async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.addHook('onRequest', (request, reply, done) => {
      void reply.headers({ ...corsHeaders(request.headers.origin), 'cache-control': 'no-store' })
      done()
    })
    scope.setErrorHandler((error, request, reply) =>
      sendFailure(reply, failureOf(error, request, reply, options.onBug)),
    )
    routeMarkedRequests(scope)
    for (const operation of operations) serve(scope, options, operation)
  }
}

function serve(scope: FastifyInstance, options: EventPluginOptions, operation: Operation): void {
  const route = {
    url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    ...(operation.isMarked === true && { constraints: marked }),
  }
  scope.route({
    ...route,
    method: [...operation.methods],
    async handler(request, reply) {
      const call = callOf(options, request)
      const callback = callbackOf(call.query)
      const answer = await answerOf(options, operation, call, request)
      const { setCookie } = call.visitor
      if (setCookie !== undefined) void reply.header('set-cookie', setCookie)
      return send(reply, answer, callback)
    },
  })
  scope.route({
    ...route,
    method: 'OPTIONS',
    handler: (request, reply) => reply.status(204).headers(preflightHeaders(request.headers.origin)).send(),
  })
}

async function answerOf(
  options: EventPluginOptions,
  operation: Operation,
  call: Call,
  request: FastifyRequest,
): Promise<Answer> {
  const key = operation.key(call)
  const origin = originOf(call.method, call.headers)
  if (operation.kind === 'events') return await answerEvents(options, operation, { ...call, key, origin }, request)
  // Visitors are told their id without a key; one that is given has to be good.
  if (key !== undefined) await options.access.authenticate(key, origin)
  return await operation.handle(call)
}

type KeyedCall = Call & { readonly key: string | undefined; readonly origin: string | undefined }

/** Every refusal is counted: of the request, or of an event in one that is answered well. */
async function answerEvents(
  options: EventPluginOptions,
  operation: EventOperation,
  call: KeyedCall,
  request: FastifyRequest,
): Promise<Answer> {
  const { door } = operation
  const { key, params } = call
  let sender: Sender = { accountId: null, keyId: null, unknownKey: key }
  const refused = ({ code, message: detail }: AppError, database = params['database'], table = params['table']): void =>
    options.rejections.note({ ...sender, door, code, detail, database: database ?? null, table: table ?? null })
  try {
    if (key === undefined) throw noKey()
    const principal = await options.access.authenticate(key, call.origin)
    sender = { accountId: principal.accountId, keyId: principal.keyId }
    // Nothing of the body is read for somebody unknown.
    const { body, release } = await bodyOf(options, request)
    try {
      return await countedIngest(options.metrics, door, body, () =>
        operation.handle({ ...call, principal, body, refused, door }),
      )
    } finally {
      release()
    }
  } catch (error) {
    if (isAppError(error)) refused(error)
    throw error
  }
}

type EventOperation = Extract<Operation, { readonly kind: 'events' }>
type Sender = Pick<Rejection, 'accountId' | 'keyId' | 'unknownKey'>

function callOf(options: EventPluginOptions, request: FastifyRequest): Call {
  const query = request.query as Readonly<Record<string, string | string[]>>
  const { headers, method, hostname } = request
  const isSecure = request.protocol === 'https'
  return {
    ...options,
    method,
    params: request.params as Record<string, string>,
    query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat().at(-1) ?? ''])),
    headers,
    address: request.ip.replace(/^::ffff:(?=\d+\.)/, ''),
    hostname: hostname.toLowerCase(),
    isSecure,
    visitor: new Visitor(headers.cookie, isSecure, options),
  }
}

/** The body, inflated. What it takes in memory by that counts against the budget, too. */
async function bodyOf(
  { budget, bodySilenceMsMax, clock }: EventPluginOptions,
  request: FastifyRequest,
): Promise<{ body: Buffer; release: () => void }> {
  const length = request.headers['content-length']
  const announced = length === undefined ? undefined : Number(length)
  const limits = { bytesMax: requestBytesMax, silenceMsMax: bodySilenceMsMax }
  const sent = await readBody(request.raw, announced, limits, budget, clock)
  try {
    const body = await inflated(sent.bytes, request.headers['content-encoding'])
    const more = body.byteLength - sent.bytes.byteLength
    if (more <= 0) return { body, release: sent.release }
    if (!budget.reserve(more)) throw overloaded()
    const release = (): void => {
      budget.release(more)
      sent.release()
    }
    return { body, release }
  } catch (error) {
    sent.release()
    throw error
  }
}

function send(
  reply: FastifyReply,
  { status = 200, headers, body }: Answer,
  callback: string | undefined,
): FastifyReply {
  void reply.status(status).headers({ ...headers })
  if (callback === undefined || Buffer.isBuffer(body)) return reply.send(body)
  void reply.headers({ 'content-type': 'application/javascript; charset=utf-8', 'x-content-type-options': 'nosniff' })
  return reply.send(scriptOf(callback, body))
}

function sendFailure(reply: FastifyReply, error: AppError): FastifyReply {
  const retryAfter = retryAfterOf(error)
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter)
  // Whoever sends too slowly is not to hold the connection any longer.
  if (error.code === 'request_timeout') void reply.header('connection', 'close')
  // A page of a wrong origin is not to read even why.
  if (error.code === 'origin_not_allowed') void reply.removeHeader('access-control-allow-origin')
  return reply.removeHeader('content-type').status(statusOf(error)).send(errorAnswer(error))
}

function noKey(): AppError {
  return new AppError('unauthenticated', 'The request carries no write key.', {
    hint: 'Give the SDK a key of the kind import: biwa key create --kind import.',
  })
}
