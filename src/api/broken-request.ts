import type { Socket } from 'node:net'
import { STATUS_CODES } from 'node:http'

import { AppError, errorCatalogue } from '../base/errors.ts'
import { problemMediaType } from './contract/problem.ts'
import { problemOf } from './problems.ts'

/** Answers what never became a request: no HTTP, headers too large, or an arrival that took too long. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, failure } = failureOf(error.code ?? '')
  const body = JSON.stringify({ ...problemOf(failure, '', ''), status })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function failureOf(code: string): { status: number; failure: AppError } {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const failure = new AppError('request_timeout', 'The request took too long to arrive.', {
      hint: 'Nothing of it was kept. Send it again, in smaller parts over a slow line.',
    })
    return { status: errorCatalogue.request_timeout.status, failure }
  }
  if (code === 'HPE_HEADER_OVERFLOW')
    return { status: 431, failure: new AppError('invalid_request', 'The headers of the request are too large.') }
  return { status: 400, failure: new AppError('invalid_request', 'This is no HTTP request that can be read.') }
}
