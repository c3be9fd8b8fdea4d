import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'

import { AppError } from '../../base/errors.ts'
import { clientGone } from '../../base/http/client-gone.ts'
import { failureOf } from '../../base/http/failures.ts'
import { parseForm } from '../../base/http/parse-form.ts'
import { readBody } from '../../base/http/read-body.ts'
import type { BodyBudget, ReadBody } from '../../base/http/read-body.ts'
import type { UploadLane } from '../../base/http/uploads/upload-lane.ts'
import { answerImport, importRoute } from './answer-import.ts'
import { keyIn, keyOf } from './authorization.ts'
import { callOf } from './call-of.ts'
import { failureAnswer } from './errors.ts'
import { noteRejection } from './note-rejection.ts'
import type { Answer, OpenCall, Operation, TdParts } from './operation.ts'
import { operations } from './operations.ts'

export interface TdPluginOptions extends TdParts {
  /** Of all bodies that this process holds at one time. */
  readonly budget: BodyBudget
  /** Of one body of data, as it is sent. */
  readonly uploadBytesMax: number
  readonly bodySilenceMsMax: number
  /** For large bodies, before the server. */
  readonly lane: UploadLane
  /** Called after the answer to a request that met a bug. */
  readonly onBug: (error: unknown) => void
}

/** A query of a million characters, each of them escaped, and what comes with it. */
const formBytesMax = 16 << 20

/** The REST API of Treasure Data. Register it with the prefix `/v3`; clients are given the address of the server alone. */
export function tdApi(options: TdPluginOptions): FastifyPluginAsync {
  return async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.setErrorHandler((error, request, reply) =>
      sendFailure(request, reply, failureOf(error, request, reply, options.onBug)),
    )
    scope.setNotFoundHandler((request, reply) => sendFailure(request, reply, nothingAt(scope.prefix, request)))
    const parts = { ...options, log: scope.log }
    for (const operation of operations) {
      serve(scope, options, operation)
      if (operation.kind === 'import') options.lane.serve(importRoute(scope.prefix, parts, operation))
    }
  }
}

function serve(scope: FastifyInstance, options: TdPluginOptions, operation: Operation): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (operation.kind === 'open') {
      return send(reply, await operation.handle(await openCall(options, request, reply)))
    }
    // Nothing of the body is read for somebody unknown.
    const principal = await options.access.authenticate(keyOf(request.headers.authorization))
    if (operation.kind === 'form') {
      return send(reply, await operation.handle({ ...(await openCall(options, request, reply)), principal }))
    }
    const call = { ...callOf(options, request, () => clientGone(reply)), principal }
    if (operation.kind === 'stream') return send(reply, await operation.handle({ ...call, stream: request.raw }))
    return send(reply, await answerImport(operation, call, () => bodyOf(options, request, options.uploadBytesMax)))
  }
  const noting = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    try {
      return await handler(request, reply)
    } catch (error) {
      await noteRejection(options, operation, request.params, keyIn(request.headers.authorization), error)
      throw error
    }
  }
  // The client for Node has a slash behind some paths.
  const url = routePath(operation)
  for (const each of [url, `${url}/`]) scope.route({ method: operation.method, url: each, handler: noting })
}

function routePath({ path }: Operation): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

/** The request with its form. Its bytes are given back to the budget as soon as they are parsed. */
async function openCall(options: TdPluginOptions, request: FastifyRequest, reply: FastifyReply): Promise<OpenCall> {
  const { bytes, release } = await bodyOf(options, request, formBytesMax)
  try {
    const { 'content-type': contentType, 'content-encoding': encoding = 'identity' } = request.headers
    if (bytes.byteLength > 0 && encoding !== 'identity') {
      throw new AppError('unsupported_encoding', `Parameters with the Content-Encoding “${encoding}” are not read.`, {
        hint: 'Send them as they are.',
      })
    }
    return callOf(options, request, () => clientGone(reply), await parseForm(contentType, bytes))
  } finally {
    release()
  }
}

function bodyOf(
  { budget, bodySilenceMsMax, clock }: TdPluginOptions,
  request: FastifyRequest,
  bytesMax: number,
): Promise<ReadBody> {
  const length = request.headers['content-length']
  const announced = length === undefined ? undefined : Number(length)
  return readBody(request.raw, announced, { bytesMax, silenceMsMax: bodySilenceMsMax }, budget, clock)
}

function send(reply: FastifyReply, { status = 200, headers, body }: Answer): FastifyReply {
  return reply
    .status(status)
    .headers({ ...headers })
    .send(body)
}

function sendFailure(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  const { status, headers, body } = failureAnswer(error)
  void reply.headers(headers).removeHeader('content-type').status(status)
  return request.method === 'HEAD' ? reply.send() : reply.send(body)
}

/** 405 where the path takes other methods, or else 404. */
function nothingAt(prefix: string, request: FastifyRequest): AppError {
  const path = request.url.split('?', 1)[0] ?? ''
  const others = operations.filter((operation) => pathPattern(prefix + operation.path).test(path))
  if (others.length === 0) {
    return new AppError('route_not_found', `There is nothing at ${path}.`, {
      hint: 'docs/treasure-data.md lists what of the API there is.',
    })
  }
  const methods = [...new Set(others.map(({ method }) => method))].toSorted().join(', ')
  return new AppError('method_not_allowed', `${path} does not take ${request.method}.`, {
    hint: `It takes ${methods}.`,
  })
}

function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`)
}
