import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

import { Decompress } from 'fzstd'

import { AppError, isAppError } from '../../base/errors.ts'
import type { NativeGunzip } from '../../base/gzip/native-gunzip.ts'
import type { ContentEncoding } from '../collect.ts'
import { inflateRatioMax, inflatedBytesMax, ratioFreeBytes } from '../limits.ts'
import { zstdFrames } from './zstd-frames.ts'

/**
 * The body without its compression, within bounds. Fails with `inflated_too_large`, `inflate_ratio_too_large` or
 * `body_malformed`. An empty body has nothing in it, whatever its encoding. With `native`, what it returns may lie in the memory of that.
 */
export function inflate(body: Buffer, encoding: ContentEncoding, native?: NativeGunzip): Buffer {
  if (encoding === 'identity' || body.byteLength === 0) return body
  const ratioBytesMax = Math.max(ratioFreeBytes, body.byteLength * inflateRatioMax)
  const bytesMax = Math.min(inflatedBytesMax, ratioBytesMax)
  const inflated = encoding === 'gzip' ? native?.inflate(body, bytesMax) : undefined
  if (inflated !== undefined) return inflated
  try {
    return inflaters[encoding](body, bytesMax)
  } catch (error) {
    if (isAppError(error)) throw error
    if (isTooLarge(error)) throw bytesMax < inflatedBytesMax ? ratioTooLarge(body.byteLength) : inflatedTooLarge()
    throw malformed(encoding, error instanceof Error ? error.message : String(error), error)
  }
}

type Inflater = (body: Buffer, bytesMax: number) => Buffer

const inflaters: Readonly<Record<Exclude<ContentEncoding, 'identity'>, Inflater>> = {
  gzip(body, bytesMax) {
    // Members one after the other are one body (RFC 1952 §2.2).
    const chunkSize = Math.max(pieceBytesOf(body), announcedBytes(body, bytesMax))
    const options = { maxOutputLength: bytesMax, info: true, chunkSize }
    const { buffer, engine } = gunzipSync(body, options) as unknown as Inflated
    return whole('gzip', body, buffer, engine.bytesWritten)
  },
  deflate(body, bytesMax) {
    // HTTP means the zlib format (RFC 9110 §8.4.1.2), but many senders leave its header out.
    const inflateAny = hasZlibHeader(body) ? inflateSync : inflateRawSync
    const options = { maxOutputLength: bytesMax, info: true, chunkSize: pieceBytesOf(body) }
    const { buffer, engine } = inflateAny(body, options) as unknown as Inflated
    return whole('deflate', body, buffer, engine.bytesWritten)
  },
  br(body, bytesMax) {
    const { buffer, engine } = brotliDecompressSync(body, {
      maxOutputLength: bytesMax,
      info: true,
    } as object) as unknown as Inflated
    return whole('br', body, buffer, engine.bytesWritten)
  },
  zstd: inflateZstd,
}

/**
 * How much is inflated by one call: by pieces of 16 KiB, which is Node's default, a body of a megabyte takes a third longer. Small
 * bodies shall not take much memory each.
 */
function pieceBytesOf(body: Buffer): number {
  return Math.min(Math.max(body.byteLength * 8, 16 * 1024), 2 ** 20)
}

/** Deflate makes no more than so many bytes of one: 258, the longest match, of two bits. */
const deflateRatioMax = 1032

/**
 * The size that the end of a gzip body tells (RFC 1952 §2.3.1), and a few bytes more: a single piece has room for all then, and pieces
 * need not be put together. Where it is the size of the last of several members, what it has room for is one piece among others.
 */
function announcedBytes(body: Buffer, bytesMax: number): number {
  const size = body.byteLength < 18 ? 0 : body.readUInt32LE(body.byteLength - 4)
  return size <= Math.min(bytesMax, body.byteLength * deflateRatioMax) ? size + 64 : 0
}

interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** Bytes behind the end would be lost without a word. */
function whole(encoding: ContentEncoding, body: Buffer, inflated: Buffer, consumed: number): Buffer {
  if (consumed >= body.byteLength) return inflated
  throw malformed(encoding, `${body.byteLength - consumed} bytes follow behind its end`)
}

function hasZlibHeader(body: Buffer): boolean {
  if (body.byteLength < 2) return false
  return (body.readUInt8(0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0
}

class TooLarge extends Error {}

/** Pieces of the input that each inflate to little more than a zstd block, so that the bound is met early. */
const zstdPieceBytes = 64 * 1024

/** A window is set aside whole, for whatever few bytes claim it. Above this only `zstd --ultra` and `--long` go. */
const zstdWindowBytesMax = 64 * 2 ** 20

function inflateZstd(body: Buffer, bytesMax: number): Buffer {
  for (const { windowBytes } of zstdFrames(body)) {
    if (windowBytes <= zstdWindowBytesMax) continue
    throw malformed('zstd', `it wants a window of ${windowBytes} bytes; ${zstdWindowBytesMax} are allowed`)
  }
  const pieces: Uint8Array[] = []
  let bytes = 0
  const stream = new Decompress((piece) => {
    bytes += piece.byteLength
    if (bytes > bytesMax) throw new TooLarge()
    pieces.push(piece)
  })
  for (let at = 0; at < body.byteLength; at += zstdPieceBytes) {
    stream.push(body.subarray(at, at + zstdPieceBytes), at + zstdPieceBytes >= body.byteLength)
  }
  return Buffer.concat(pieces, bytes)
}

function isTooLarge(error: unknown): boolean {
  return (
    error instanceof TooLarge || (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
  )
}

export function inflatedTooLarge(): AppError {
  return new AppError('inflated_too_large', `The body inflates to more than ${inflatedBytesMax} bytes.`, {
    hint: 'Send it in parts, each with an id of its own.',
  })
}

function ratioTooLarge(bytes: number): AppError {
  return new AppError(
    'inflate_ratio_too_large',
    `The body of ${bytes} bytes inflates to more than ${inflateRatioMax} times as many.`,
    { hint: 'If the data is really that uniform, send it with less compression or in parts.' },
  )
}

function malformed(encoding: ContentEncoding, problem: string, cause?: unknown): AppError {
  return new AppError('body_malformed', `The body cannot be inflated as ${encoding}: ${problem}.`, {
    hint: 'Check that Content-Encoding names the compression that was used, and that the body is whole.',
    cause,
  })
}
