import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'

import { AppError, isAppError } from '../../base/errors.ts'
import { errorAnswer } from './errors.ts'
import type { Answer, IcebergParts, Operation } from './operation.ts'
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

export interface IcebergPluginOptions extends IcebergParts {
  /** Called after the answer to a request that met a bug. */
  readonly onBug: (error: unknown) => void
}

/** Schemas of a few thousand columns, many times over. */
const bodyBytesMax = 16 << 20

const operations: readonly Operation[] = [
  listNamespaces,
  createNamespace,
  loadNamespace,
  namespaceExists,
  dropNamespace,
  listTables,
  createTable,
  loadTable,
  tableExists,
  dropTable,
  renameTable,
  reportMetrics,
]

/** Iceberg's REST catalog. Register it with the prefix `/iceberg/v1`; clients are given the address up to `/iceberg`. */
export function icebergCatalog(options: IcebergPluginOptions): FastifyPluginAsync {
  return async (scope) => {
    readJson(scope)
    scope.setErrorHandler((error, request, reply) => answerFailure(options, error, request, reply))
    scope.setNotFoundHandler((request, reply) => sendFailure(reply, nothingAt(request)))
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
  const { access } = options
  scope.route({
    method: operation.method,
    url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    // Before anything of the body is read.
    onRequest: async (request) => {
      request.icebergPrincipal = await access.authenticate(bearerOf(request.headers.authorization))
    },
    async handler(request, reply) {
      const answer = await operation.handle({
        ...options,
        principal: request.icebergPrincipal,
        params: request.params as Record<string, string>,
        query: request.query as Record<string, string>,
        headers: request.headers,
        body: request.body,
      })
      return send(reply, answer)
    },
  })
}
