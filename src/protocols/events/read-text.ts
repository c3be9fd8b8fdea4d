import { isUtf8 } from 'node:buffer'
import { promisify } from 'node:util'
import { gunzip, inflate, inflateRaw } from 'node:zlib'

import { AppError } from '../../base/errors.ts'
import { isShallow } from '../../base/json-text.ts'
import { depthMax, requestBytesMax } from './limits.ts'

const inflaters = { gzip: promisify(gunzip), zlib: promisify(inflate), raw: promisify(inflateRaw) }

/** The body as it was before Content-Encoding. Fails with `unsupported_encoding`, `inflated_too_large`, `body_malformed`. */
export async function inflated(bytes: Buffer, contentEncoding: string | undefined): Promise<Buffer> {
  const encoding = (contentEncoding ?? '').trim().toLowerCase().replace(/^x-/, '')
  if (encoding === '' || encoding === 'identity' || bytes.byteLength === 0) return bytes
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw new AppError('unsupported_encoding', `The Content-Encoding “${encoding}” is not supported.`, {
      hint: 'Events come as they are, or as gzip or deflate.',
    })
  }
  try {
    const own = encoding === 'gzip' ? 'gzip' : hasZlibHeader(bytes) ? 'zlib' : 'raw'
    return await inflaters[own](bytes, { maxOutputLength: requestBytesMax })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(error)
    throw new AppError('body_malformed', `The body cannot be inflated as ${encoding}.`, {
      hint: 'Check that Content-Encoding names the compression that was used, and that the body is whole.',
      cause: error,
    })
  }
}

/** What calls itself deflate has this header, as it should (RFC 9110 §8.4.1.2), or is the bare stream. */
function hasZlibHeader(bytes: Buffer): boolean {
  return bytes.byteLength > 1 && bytes.readUInt8(0) % 16 === 8 && bytes.readUInt16BE(0) % 31 === 0
}

function tooLarge(cause: Error): AppError {
  return new AppError('inflated_too_large', `The body inflates to more than ${requestBytesMax} bytes.`, {
    hint: 'Send fewer events in a request.',
    cause,
  })
}

/** A text of JSON that may be cut by its places. Fails with `body_malformed`. */
export function jsonText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw notJson('it is not UTF-8')
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '')
  if (!isShallow(text, depthMax)) throw notJson(`it is nested deeper than ${depthMax} levels`)
  try {
    JSON.parse(text)
  } catch (error) {
    throw notJson('it is broken', error)
  }
  return text
}

function notJson(problem: string, cause?: unknown): AppError {
  return new AppError('body_malformed', `The body is not the JSON that events are sent in: ${problem}.`, {
    hint: 'docs/events.md shows what is sent where.',
    cause,
  })
}

/** The bytes of base64 in either alphabet; a plus that a form has made a space is one again. */
export function decodeBase64(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', '+'), 'base64')
}
