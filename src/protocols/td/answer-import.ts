import type { FastifyBaseLogger } from 'fastify'

import type { AppError } from '../../base/errors.ts'
import type { ReadBody } from '../../base/http/read-body.ts'
import { answerUpload } from '../../base/http/uploads/answer-upload.ts'
import type { Upload, UploadRoute } from '../../base/http/uploads/upload.ts'
import { keyIn, keyOf } from './authorization.ts'
import { callOf } from './call-of.ts'
import { failureAnswer } from './errors.ts'
import { noteRejection } from './note-rejection.ts'
import type { Answer, Call, ImportOperation, TdParts } from './operation.ts'

/** The bytes of the body count against the budget until it is answered. */
export async function answerImport(
  operation: ImportOperation,
  call: Call,
  receive: () => Promise<ReadBody>,
): Promise<Answer> {
  let release = (): void => {}
  const upload = async (): Promise<Buffer> => {
    const body = await receive()
    release = body.release
    return body.bytes
  }
  try {
    return await operation.handle({ ...call, upload })
  } finally {
    release()
  }
}

export interface ImportRouteParts extends TdParts {
  readonly log: FastifyBaseLogger
  readonly onBug: (error: unknown) => void
}

/** The way of an import on the lane for large bodies: the same answers and failures as on the ordinary one. */
export function importRoute(prefix: string, parts: ImportRouteParts, operation: ImportOperation): UploadRoute {
  const route = prefix + operation.path
  const asText = (error: AppError) => {
    const { body, ...rest } = failureAnswer(error)
    return { ...rest, body: JSON.stringify(body) }
  }
  const how = { route, log: parts.log, onBug: parts.onBug, failureAnswer: asText }
  return {
    method: operation.method,
    path: route,
    parameters: [],
    serve: (upload) =>
      answerUpload(how, upload, async () => ({ status: 200, ...(await answerTo(parts, operation, upload)) })),
  }
}

async function answerTo(parts: TdParts, operation: ImportOperation, upload: Upload): Promise<Answer> {
  const { headers, params, receive } = upload
  try {
    const principal = await parts.access.authenticate(keyOf(headers['authorization']))
    return await answerImport(operation, { ...callOf(parts, upload, neverOver), principal }, receive)
  } catch (error) {
    await noteRejection(parts, operation, params, keyIn(headers['authorization']), error)
    throw error
  }
}

/** An import waits for nothing but the disk. */
const neverOver = (): AbortSignal => new AbortController().signal
