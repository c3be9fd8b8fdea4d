import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'

import { AppError } from '../../base/errors.ts'
import type { ContentEncoding, ImportFormat } from '../../collect/collect.ts'
import { formBytes } from './http-form.ts'

/** What a request of `in_http` brings: a body of records, and the time of those that say none. */
export interface HttpEvents {
  readonly format: ImportFormat
  readonly encoding: ContentEncoding
  readonly body: Buffer
}

/** Formats by the media type of the body, and by the name of the field that holds the records. */
const ofMediaType: Readonly<Record<string, ImportFormat>> = {
  'application/json': 'json',
  'application/csp-report': 'json',
  'application/x-ndjson': 'ndjson',
  'application/msgpack': 'msgpack',
  'application/x-msgpack': 'msgpack',
}
const fieldNames = ['json', 'ndjson', 'msgpack'] as const

const encodings: Readonly<Record<string, ContentEncoding>> = {
  identity: 'identity',
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  zstd: 'zstd',
  br: 'br',
}

export interface HttpBody {
  readonly contentType: string
  readonly contentEncoding: string
  readonly bytes: Buffer
}

/**
 * The records of a request, as they came: only a form is taken apart. Fails with `invalid_request`, `unsupported_encoding` or
 * `inflated_too_large`.
 */
export async function eventsOf(
  { contentType, contentEncoding, bytes }: HttpBody,
  query: Readonly<Record<string, string>>,
  bytesMax: number,
): Promise<HttpEvents> {
  const encoding = encodings[contentEncoding.trim().toLowerCase() || 'identity']
  if (encoding === undefined) throw unsupported(contentEncoding)
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const format = ofMediaType[mediaType]
  if (format !== undefined) return { format, encoding, body: bytes }
  const isForm = mediaType === 'application/x-www-form-urlencoded' || mediaType === 'multipart/form-data'
  const fields = isForm
    ? await formBytes(contentType, await plain(bytes, encoding, bytesMax))
    : new Map<string, Buffer>()
  for (const name of fieldNames) {
    const found = fields.get(name) ?? (query[name] === undefined ? undefined : Buffer.from(query[name]))
    if (found !== undefined) return { format: name, encoding: 'identity', body: found }
  }
  throw new AppError('invalid_request', 'There are no records in the request.', {
    hint: 'Send them as application/json, application/x-ndjson or application/msgpack, or in a field json, ndjson or msgpack.',
  })
}

const inflaters = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const

async function plain(bytes: Buffer, encoding: ContentEncoding, bytesMax: number): Promise<Buffer> {
  if (encoding === 'identity') return bytes
  if (encoding !== 'gzip' && encoding !== 'deflate') throw unsupported(encoding)
  try {
    return await inflaters[encoding](bytes, { maxOutputLength: bytesMax })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new AppError('inflated_too_large', `The form inflates to more than ${bytesMax} bytes.`, { cause: error })
    }
    throw new AppError('invalid_request', `The form is not what ${encoding} makes.`, { cause: error })
  }
}

function unsupported(encoding: string): AppError {
  return new AppError('unsupported_encoding', `Bodies with the Content-Encoding “${encoding}” are not read.`, {
    hint: 'Send them with gzip or deflate, or as they are.',
  })
}

/** Until the year 5138. */
const secondsMax = 1e11

/** The parameter `time`: seconds since the epoch, also with a fraction. In microseconds; undefined where it is not given. */
export function timeUsOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const seconds = Number(text)
  if (/^\d+(?:\.\d+)?$/.test(text) && seconds > 0 && seconds < secondsMax) return Math.round(seconds * 1e6)
  throw new AppError('invalid_request', `The parameter time, “${text.slice(0, 50)}”, is no time in seconds.`)
}
