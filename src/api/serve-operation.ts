import type { FastifyBaseLogger, FastifyInstance, FastifyReply } from 'fastify'

import type { Access, Principal } from '../access/access.ts'
import type { AppError } from '../base/errors.ts'
import { isAppError } from '../base/errors.ts'
import type { BodyLimits } from '../base/http/read-body.ts'
import { answerUpload } from '../base/http/uploads/answer-upload.ts'
import type { UploadLane } from '../base/http/uploads/upload-lane.ts'
import type { Upload } from '../base/http/uploads/upload.ts'
import type { Rejections } from '../collect/rejections.ts'
import { askedOfRequest, askedOfUpload } from './asked.ts'
import type { Asked, Surroundings } from './asked.ts'
import { apiKeyOf } from './authorization.ts'
import { checkInput, parseJson, partChecker } from './check-input.ts'
import { apiPrefix, isBytesBody } from './contract/operation.ts'
import type { Operation, OperationAnswer, OperationInput } from './contract/operation.ts'
import { problemAnswer } from './problems.ts'

/** A request for an operation: checked, and from somebody who is known. */
export interface Call<O extends Operation> extends OperationInput<O>, Caller {}

/** What is asked for by whom, before the body is read. */
export type Announced<O extends Operation> = Omit<Call<O>, 'body'>

/** Keeps room for a body of so many bytes until the returned function is called; fails where none is welcome now. */
export type Admit<O extends Operation> = (call: Announced<O>, bytes: number) => Promise<() => void>

interface Caller extends Pick<Asked, 'method' | 'url' | 'header' | 'nobodyWaits'> {
  readonly principal: Principal
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
}

/** For operations that take large bodies. */
export interface Uploading<O extends Operation> {
  readonly admit: Admit<O>
  /** Of the query. A request with others does not take the lane for large bodies. */
  readonly laneParameters: readonly string[]
}

export interface OperationHost extends Surroundings {
  readonly app: FastifyInstance
  readonly lane: UploadLane
  readonly access: Access
  readonly rejections: Pick<Rejections, 'note'>
  readonly importBody: BodyLimits
  readonly jsonBody: BodyLimits
  readonly log: FastifyBaseLogger
  /** Called after the answer to a request that met a bug. */
  readonly onBug: (error: unknown) => void
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
): { with(handler: (call: Call<O>) => Promise<OperationAnswer<O>>, uploading?: Uploading<O>): void } {
  const check = {
    params: partChecker(operation.params, 'path'),
    query: partChecker(operation.query, 'query'),
    headers: partChecker(operation.headers, 'headers'),
  }
  return {
    with(handler, uploading) {
      const served: Served<O> = { host, operation, check, handler, admit: uploading?.admit }
      host.app.route({
        method: operation.method === 'GET' ? ['GET', 'HEAD'] : operation.method,
        url: routePath(operation),
        handler: async (request, reply) => send(reply, await answerOf(served, askedOfRequest(host, request, reply))),
      })
      if (uploading !== undefined) serveByLane(served, uploading.laneParameters)
    },
  }
}

/** The way of an operation on the lane for large bodies: the same answers and failures as on the ordinary one. */
function serveByLane<O extends Operation>(served: Served<O>, parameters: readonly string[]): void {
  const { host, operation } = served
  const { lane, log, onBug } = host
  const path = apiPrefix + operation.path
  const failureAnswer = (error: AppError, { url, requestId }: Upload) => problemAnswer(error, url, requestId)
  const how = { route: path, log, onBug, failureAnswer }
  lane.serve({
    method: operation.method,
    path,
    parameters,
    serve: (upload) => answerUpload(how, upload, (headers) => answerOf(served, askedOfUpload(host, upload, headers))),
  })
}

async function answerOf<O extends Operation>(served: Served<O>, asked: Asked): Promise<OperationAnswer<O>> {
  const { host, operation } = served
  let principal: Principal | undefined
  try {
    // Nothing of the body is read for somebody unknown.
    principal = await host.access.authenticate(apiKeyOf(asked.headers.authorization), asked.headers.origin)
    return await answerTo(served, principal, asked)
  } catch (error) {
    noteRejection(host, operation, asked, principal, error)
    throw error
  }
}

async function answerTo<O extends Operation>(
  { host, operation, check, handler, admit }: Served<O>,
  principal: Principal,
  asked: Asked,
): Promise<OperationAnswer<O>> {
  const params = check.params(asked.params)
  const query = check.query(asked.query)
  const headers = check.headers(asked.headers)
  const announced = { params, query, headers, ...callerOf(asked, principal) } as unknown as Announced<O>
  const { comingBytes } = asked
  const giveBack = admit !== undefined && comingBytes !== undefined ? await admit(announced, comingBytes) : undefined
  const body = await bodyOf(host, operation, asked).finally(giveBack)
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
  asked: Asked,
  principal: Principal | undefined,
  error: unknown,
): void {
  if (door === undefined || !isAppError(error) || error.code === 'wait_timeout') return
  const { database = null, table = null } = asked.params as { readonly database?: string; readonly table?: string }
  host.rejections.note({
    accountId: principal?.accountId ?? null,
    keyId: principal?.keyId ?? null,
    unknownKey: error.code === 'unauthenticated' ? sentKey(asked.headers.authorization) : undefined,
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
  { body: schema }: Operation,
  asked: Asked,
): Promise<{ value: unknown; release: () => void }> {
  if (schema === undefined) return { value: undefined, release: () => {} }
  const { bytes, release } = await asked.readBody(isBytesBody(schema) ? host.importBody : host.jsonBody)
  if (isBytesBody(schema)) return { value: bytes, release }
  try {
    return { value: checkInput(schema, 'body', parseJson(bytes)), release }
  } catch (error) {
    release()
    throw error
  }
}

function callerOf({ method, url, headers, header, nobodyWaits }: Asked, principal: Principal): Caller {
  const { 'content-type': contentType, 'content-encoding': contentEncoding } = headers
  return { principal, method, url, contentType, contentEncoding, header, nobodyWaits }
}

/** JSON is what objects become; streams go out as they are, under the headers of the answer. */
function send(reply: FastifyReply, answer: { status: number; body?: unknown; headers?: object }): FastifyReply {
  return reply
    .status(answer.status)
    .headers({ ...answer.headers })
    .send(answer.body)
}
