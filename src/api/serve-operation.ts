import type { IncomingMessage } from 'node:http'

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import type { Access, Principal } from '../access/access.ts'
import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import { clientGoneOr } from '../base/http/client-gone.ts'
import { readBody } from '../base/http/read-body.ts'
import type { BodyBudget, BodyLimits } from '../base/http/read-body.ts'
import type { Rejections } from '../collect/rejections.ts'
import { apiKeyOf } from './authorization.ts'
import { checkInput, parseJson, partChecker } from './check-input.ts'
import { apiPrefix, isBytesBody } from './contract/operation.ts'
import type { Operation, OperationAnswer, OperationInput } from './contract/operation.ts'

/** A request for an operation: checked, and from somebody who is known. */
export interface Call<O extends Operation> extends OperationInput<O>, Caller {}

/** What is asked for by whom, before the body is read. */
export type Announced<O extends Operation> = Omit<Call<O>, 'body'>

/** Keeps room for a body of so many bytes until the returned function is called; fails where none is welcome now. */
export type Admit<O extends Operation> = (call: Announced<O>, bytes: number) => Promise<() => void>

interface Caller {
  readonly principal: Principal
  readonly method: string
  /** As it was asked, with the query. */
  readonly url: string
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  /** Sets a header of the answer, also where that is a failure. */
  readonly header: (name: string, value: string) => void
  /** A signal that is aborted when the client goes away or the server closes: time to stop waiting. */
  readonly nobodyWaits: () => AbortSignal
}

export interface OperationHost {
  readonly app: FastifyInstance
  readonly access: Access
  readonly clock: Clock
  readonly rejections: Pick<Rejections, 'note'>
  readonly budget: BodyBudget
  readonly importBody: BodyLimits
  readonly jsonBody: BodyLimits
  /** Requests whose bodies were read, and failed, before the operation was asked for them. */
  readonly failures: WeakMap<IncomingMessage, { readonly error: unknown }>
  /** Aborted when the server begins to close: who waits is answered with what there is. */
  readonly closing: AbortSignal
}

/** An operation with all that is needed to answer it. */
interface Served<O extends Operation> {
  readonly host: OperationHost
  readonly operation: O
  readonly check: Readonly<Record<'params' | 'query' | 'headers', ReturnType<typeof partChecker>>>
  readonly handler: (call: Call<O>) => Promise<OperationAnswer<O>>
  readonly admit: Admit<O> | undefined
}

/** Answers an operation of the contract: who asks, what is asked, the handler, the answer. */
export function serveOperation<O extends Operation>(
  host: OperationHost,
  operation: O,
  // In two steps, because the handler's answers get their exact types only where the operation is settled.
): { with(handler: (call: Call<O>) => Promise<OperationAnswer<O>>, admit?: Admit<O>): void } {
  const check = {
    params: partChecker(operation.params, 'path'),
    query: partChecker(operation.query, 'query'),
    headers: partChecker(operation.headers, 'headers'),
  }
  return {
    with(handler, admit) {
      const served: Served<O> = { host, operation, check, handler, admit }
      host.app.route({
        method: operation.method === 'GET' ? ['GET', 'HEAD'] : operation.method,
        url: routePath(operation),
        async handler(request, reply) {
          let principal: Principal | undefined
          try {
            // Nothing of the body is read for somebody unknown.
            principal = await host.access.authenticate(apiKeyOf(request.headers.authorization), request.headers.origin)
            return send(reply, await answerOf(served, principal, request, reply))
          } catch (error) {
            noteRejection(host, operation, request, principal, error)
            throw error
          }
        },
      })
    },
  }
}

async function answerOf<O extends Operation>(
  { host, operation, check, handler, admit }: Served<O>,
  principal: Principal,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<OperationAnswer<O>> {
  const params = check.params(request.params)
  const query = check.query(request.query)
  const headers = check.headers(request.headers)
  const announced = { params, query, headers, ...callerOf(host, request, reply, principal) } as unknown as Announced<O>
  const bytes = announcedBytes(request)
  // A body that lies there with its head is judged with everything else that is in it.
  const isAdmitted = admit !== undefined && bytes !== undefined && !request.raw.complete
  const giveBack = isAdmitted ? await admit(announced, bytes) : undefined
  const body = await bodyOf(host, operation, request, bytes).finally(giveBack)
  try {
    return await handler({ ...announced, body: body.value } as unknown as Call<O>)
  } finally {
    body.release()
  }
}

/** Counts what a door of the intake refuses. A wait that ended before the work is no refusal: the body is safe. */
function noteRejection(
  host: OperationHost,
  { door }: Operation,
  request: FastifyRequest,
  principal: Principal | undefined,
  error: unknown,
): void {
  if (door === undefined || !isAppError(error) || error.code === 'wait_timeout') return
  const { database = null, table = null } = request.params as { readonly database?: string; readonly table?: string }
  host.rejections.note({
    accountId: principal?.accountId ?? null,
    keyId: principal?.keyId ?? null,
    unknownKey: error.code === 'unauthenticated' ? sentKey(request.headers.authorization) : undefined,
    door,
    code: error.code,
    detail: error.message,
    database,
    table,
  })
}

function sentKey(header: string | undefined): string | undefined {
  try {
    return apiKeyOf(header)
  } catch (error) {
    if (isAppError(error, 'unauthenticated')) return undefined
    throw error
  }
}

/** The path as the router takes it. */
export function routePath(operation: Operation): string {
  return apiPrefix + operation.path.replaceAll(/\{(\w+)\}/g, ':$1')
}

async function bodyOf(
  host: OperationHost,
  operation: Operation,
  request: FastifyRequest,
  announced: number | undefined,
): Promise<{ value: unknown; release: () => void }> {
  const { body: schema } = operation
  if (schema === undefined) return { value: undefined, release: () => {} }
  const limits = isBytesBody(schema) ? host.importBody : host.jsonBody
  const failure = host.failures.get(request.raw)
  if (failure !== undefined) throw failure.error
  const { bytes, release } = await readBody(request.raw, announced, limits, host.budget, host.clock)
  if (isBytesBody(schema)) return { value: bytes, release }
  try {
    return { value: checkInput(schema, 'body', parseJson(bytes)), release }
  } catch (error) {
    release()
    throw error
  }
}

function announcedBytes({ headers }: FastifyRequest): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

function callerOf(host: OperationHost, request: FastifyRequest, reply: FastifyReply, principal: Principal): Caller {
  return {
    principal,
    method: request.method,
    url: request.url,
    contentType: request.headers['content-type'],
    contentEncoding: request.headers['content-encoding'],
    header: (name, value) => void reply.header(name, value),
    nobodyWaits: () => clientGoneOr(host.closing, reply),
  }
}

/** JSON is what objects become; streams go out as they are, under the headers of the answer. */
function send(reply: FastifyReply, answer: { status: number; body?: unknown; headers?: object }): FastifyReply {
  return reply
    .status(answer.status)
    .headers({ ...answer.headers })
    .send(answer.body)
}
