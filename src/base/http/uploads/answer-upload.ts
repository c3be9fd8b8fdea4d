import type { FastifyBaseLogger } from 'fastify'

import type { AppError } from '../../errors.ts'
import { isAppError } from '../../errors.ts'
import { bugFailure } from '../failures.ts'
import type { Upload, UploadAnswer } from './upload.ts'

export interface AnswerUploadOptions {
  /** From the root, with parameters in braces: for the log. */
  readonly route: string
  readonly log: FastifyBaseLogger
  /** A failure in the words of the protocol, with all headers but the name of the request. */
  readonly failureAnswer: (error: AppError, upload: Upload) => Omit<UploadAnswer, 'whenSent'>
  /** Called after the answer to a request that met a bug. */
  readonly onBug: (error: unknown) => void
}

/** Answers with JSON, or with the failure that `answer` met, as the framework does on the ordinary way; with the headers that were set meanwhile in either case. */
export async function answerUpload(
  { route, log, failureAnswer, onBug }: AnswerUploadOptions,
  upload: Upload,
  answer: (
    headers: Record<string, string>,
  ) => Promise<{ readonly status: number; readonly body?: unknown; readonly headers?: object }>,
): Promise<UploadAnswer> {
  const { requestId } = upload
  const set: Record<string, string> = { 'x-request-id': requestId, 'content-type': 'application/json; charset=utf-8' }
  const failed = (error: AppError): UploadAnswer => {
    const { status, headers, body } = failureAnswer(error, upload)
    return { status, headers: { ...set, ...headers }, body }
  }
  try {
    const { status, headers, body } = await answer(set)
    return { status, headers: { ...set, ...headers }, body: body === undefined ? '' : JSON.stringify(body) }
  } catch (error) {
    if (!isAppError(error)) return { ...failed(bugFailure(error, log, route, requestId)), whenSent: () => onBug(error) }
    if (error.status >= 500) log.error({ err: error }, 'a request failed')
    return failed(error)
  }
}
