import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'

import type { Principal } from '../../access/access.ts'
import { AppError, must } from '../../base/errors.ts'
import { failureOf } from '../../base/http/failures.ts'
import { errorAnswer } from './errors.ts'
import type { IcebergParts, Operation } from './operation.ts'
import { commitTable, commitTransaction } from './operations/commits.ts'
import { getConfig } from './operations/config.ts'
import {
  createNamespace,
  dropNamespace,
  listNamespaces,
  loadNamespace,
  namespaceExists,
} from './operations/namespaces.ts'
import {
  createTable,
  dropTable,
  listTables,
  loadTable,
  renameTable,
  reportMetrics,
  tableExists,
} from './operations/tables.ts'

import { createView, dropView, listViews, loadView, renameView, replaceView, viewExists } from './operations/views.ts'

export interface IcebergPluginOptions extends IcebergParts {
  /** Called after the answer to a request that met a bug. */
  readonly onBug: (error: unknown) => void
}

/** Schemas of a few thousand columns, many times over. */
const bodyBytesMax = 16 << 20

export const operations: readonly Operation[] = [
  listNamespaces,
  createNamespace,
  loadNamespace,
  namespaceExists,
  dropNamespace,
  listTables,
  createTable,
  loadTable,
  tableExists,
  commitTable,
  dropTable,
  renameTable,
  commitTransaction,
  reportMetrics,
  listViews,
  createView,
  loadView,
  viewExists,
  replaceView,
  dropView,
  renameView,
]

/** Iceberg's REST catalog. Register it with the prefix `/iceberg/v1`; clients are given the address up to `/iceberg`. */
export function icebergCatalog(options: IcebergPluginOptions): FastifyPluginAsync {
  return async (scope) => {
    readJson(scope)
    scope.setErrorHandler((error, request, reply) =>
      sendFailure(request, reply, failureOf(error, request, reply, options.onBug)),
    )
    scope.setNotFoundHandler((request, reply) => sendFailure(request, reply, nothingAt(request)))
    for (const operation of [getConfig(operations), ...operations]) serve(scope, options, operation)
  }
}

function readJson(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  const parse = { parseAs: 'buffer', bodyLimit: bodyBytesMax } as const
  scope.addContentTypeParser('*', parse, async (_request: FastifyRequest, body: Buffer) => {
    if (body.byteLength === 0) return undefined
    try {
      return JSON.parse(body.toString('utf8')) as unknown
    } catch (error) {
      throw new AppError('invalid_request', 'The body is not JSON.', { hint: 'Send one JSON object.', cause: error })
    }
  })
}

function serve(scope: FastifyInstance, options: IcebergPluginOptions, operation: Operation): void {
  const principals = new WeakMap<FastifyRequest, Principal>()
  scope.route({
    method: operation.method,
    url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    // Nothing of the body is read for somebody unknown.
    async onRequest(request) {
      principals.set(request, await options.access.authenticate(bearerOf(request.headers.authorization)))
    },
    async handler(request, reply) {
      const answer = await operation.handle({
        ...options,
        principal: must(principals.get(request), 'whoever asks is known'),
        params: request.params as Record<string, string>,
        query: request.query as Record<string, string>,
        headers: request.headers,
        body: request.body,
      })
      for (const [name, value] of Object.entries(answer.headers ?? {})) void reply.header(name, value)
      return reply.status(answer.status).send(answer.body)
    },
  })
}

/** A bearer token is an API key, as it is. */
function bearerOf(header: string | undefined): string {
  const [, key] = /^bearer +(\S+) *$/i.exec(header ?? '') ?? []
  if (key !== undefined) return key
  throw new AppError('unauthenticated', 'The request carries no API key.', {
    hint: 'Give the client an API key as its token.',
  })
}

function sendFailure(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  const answer = errorAnswer(error)
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', Math.ceil(error.retryAfterSeconds))
  if (error.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer realm="biwa"')
  void reply.status(answer.error.code)
  return request.method === 'HEAD' ? reply.send() : reply.send(answer)
}

function nothingAt(request: FastifyRequest): AppError {
  return new AppError(
    'route_not_found',
    `The catalog has no operation ${request.method} ${request.url.split('?')[0]}.`,
    {
      hint: 'GET /iceberg/v1/config lists those that there are.',
    },
  )
}
