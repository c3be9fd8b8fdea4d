import type { FastifyBaseLogger } from 'fastify'

import type { Clock } from '../base/clock.ts'
import type { AppError } from '../base/errors.ts'
import { isAppError } from '../base/errors.ts'
import { bugFailure } from '../base/http/failures.ts'
import type { Upload, UploadAnswer, UploadRoute } from '../base/http/uploads/upload.ts'
import type { AnswerTimes } from './answer-times.ts'
import { apiPrefix } from './contract/operation.ts'
import type { Operation } from './contract/operation.ts'
import { problemAnswer } from './problems.ts'

export interface UploadParts {
  readonly answers: AnswerTimes
  readonly clock: Clock
  readonly requestId: (request: Pick<Upload, 'headers'>) => string
  readonly log: FastifyBaseLogger
  /** Called after the answer to a request that met a bug. */
  readonly onBug: (error: unknown) => void
}

type AnswerUpload = (
  upload: Upload,
  headers: Record<string, string>,
) => Promise<{ readonly status: number; readonly body?: unknown; readonly headers?: object }>

/** The way of an operation on the lane for large bodies: the same answers, failures and counts as on the ordinary one. */
export function uploadRoute(
  parts: UploadParts,
  operation: Operation,
  parameters: readonly string[],
  answer: AnswerUpload,
): UploadRoute {
  const { method } = operation
  const path = apiPrefix + operation.path
  const times = parts.answers.of(path.replaceAll(/\{(\w+)\}/g, ':$1'))
  return {
    method,
    path,
    parameters,
    async serve(upload) {
      const startedMs = parts.clock.monotonicMs()
      const answered = await answerOrProblem(parts, path, upload, answer)
      times.note(method, answered.status, (parts.clock.monotonicMs() - startedMs) / 1000)
      return answered
    },
  }
}

async function answerOrProblem(
  parts: UploadParts,
  route: string,
  upload: Upload,
  answer: AnswerUpload,
): Promise<UploadAnswer> {
  const requestId = parts.requestId(upload)
  const headers: Record<string, string> = { 'x-request-id': requestId }
  const problem = (error: AppError, whenSent?: () => void): UploadAnswer => {
    const { status, headers: own, body } = problemAnswer(error, upload.url, requestId)
    return { status, headers: { ...headers, ...own }, body, ...(whenSent !== undefined && { whenSent }) }
  }
  try {
    const { status, headers: own, body } = await answer(upload, headers)
    const type = { 'content-type': 'application/json; charset=utf-8' }
    return { status, headers: { ...headers, ...type, ...own }, body: JSON.stringify(body) }
  } catch (error) {
    if (!isAppError(error)) return problem(bugFailure(error, parts.log, route, requestId), () => parts.onBug(error))
    if (error.status >= 500) parts.log.error({ err: error }, 'a request failed')
    return problem(error)
  }
}
