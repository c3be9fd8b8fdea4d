import { createGunzip } from 'node:zlib'
import { Readable } from 'node:stream'

import { Decompress } from 'fzstd'

import type { Disk } from '../../base/disk.ts'
import { AppError } from '../../base/errors.ts'
import type { ContentEncoding, ImportFormat } from '../collect.ts'
import { depthMax, inflateRatioMax, longInflatedBytesMax, ratioFreeBytes } from '../limits.ts'
import { MsgpackScanner, unreadable } from '../split/msgpack-scanner.ts'
import type { ConvertBody } from './tasks.ts'

/** Whole records of a body, and where they begin in it once it is inflated. */
export interface Piece {
  readonly bytes: Buffer
  readonly offset: number
}

/** Whether a body of this format can be cut between its records without being read as a whole. */
export function canBeCut(format: ImportFormat): format is 'msgpack' | 'ndjson' {
  return format === 'msgpack' || format === 'ndjson'
}

/**
 * The body in pieces of about `pieceBytes`, so that one which is larger than memory can be converted. Fails with
 * `body_malformed`, `inflated_too_large` or `inflate_ratio_too_large`, when some pieces may have been given out already.
 */
export async function* cutLongBody(body: ConvertBody, disk: Disk, pieceBytes: number): AsyncIterable<Piece> {
  let waiting: Buffer[] = []
  let bytes = 0
  let offset = 0
  for await (const block of inflatedBlocks(body, blocksOf(body, disk, Math.min(blockBytesMax, pieceBytes)))) {
    waiting.push(block)
    bytes += block.byteLength
    requireBounded(body, offset + bytes)
    if (bytes < pieceBytes) continue
    const whole = Buffer.concat(waiting, bytes)
    const end = endOfRecords(body, whole)
    if (end === 0) throw tooLongRecord(offset, bytes)
    yield { bytes: whole.subarray(0, end), offset }
    // A copy: the view would keep all that was given out.
    waiting = [Buffer.from(whole.subarray(end))]
    bytes -= end
    offset += end
  }
  if (bytes > 0) yield { bytes: Buffer.concat(waiting, bytes), offset }
}

/** Where the last whole record ends. */
function endOfRecords({ format }: ConvertBody, bytes: Buffer): number {
  if (format === 'ndjson') return bytes.lastIndexOf('\n') + 1
  const scanner = new MsgpackScanner(bytes, depthMax)
  for (let at = 0; ;) {
    const end = scanner.skip(at)
    if (end !== unreadable) {
      at = end
      continue
    }
    if (scanner.failure.reason === 'truncated') return at
    throw malformed(scanner.failure.detail)
  }
}

function inflatedBlocks(body: ConvertBody, blocks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const inflaters: Partial<Record<ContentEncoding, () => AsyncIterable<Buffer>>> = {
    identity: () => blocks,
    gzip: () => gunzipped(blocks),
    zstd: () => unzstd(blocks),
  }
  const inflated = inflaters[body.encoding]
  if (inflated !== undefined) return inflated()
  throw new AppError('unsupported_encoding', `Long bodies are not read as ${body.encoding}.`, {
    hint: 'Compress them with gzip or zstd.',
  })
}

const blockBytesMax = 1 << 20

async function* blocksOf(body: ConvertBody, disk: Disk, blockBytes: number): AsyncIterable<Buffer> {
  const { path, offset, bytes } = body
  const file = await disk.open(path, 'read')
  try {
    for (let at = 0; at < bytes; at += blockBytes) yield await file.read(offset + at, Math.min(blockBytes, bytes - at))
  } finally {
    await file.close()
  }
}

async function* gunzipped(blocks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const source = Readable.from(blocks, { objectMode: false })
  const gunzip = createGunzip()
  source.on('error', (error) => gunzip.destroy(error)).pipe(gunzip)
  try {
    for await (const block of gunzip) yield block as Buffer
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw malformed(error.message)
    }
    throw error
  } finally {
    source.destroy()
  }
}

async function* unzstd(blocks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let pieces: Uint8Array[] = []
  const stream = new Decompress((piece) => void pieces.push(piece))
  for await (const block of blocks) {
    // Small pieces of the input inflate to little, so that the bound is met early.
    for (let at = 0; at < block.byteLength; at += zstdPieceBytes) {
      try {
        stream.push(block.subarray(at, at + zstdPieceBytes), false)
      } catch (error) {
        throw malformed(error instanceof Error ? error.message : String(error))
      }
      for (const piece of pieces) yield Buffer.from(piece)
      pieces = []
    }
  }
}

const zstdPieceBytes = 64 * 1024

function requireBounded(body: ConvertBody, inflatedBytes: number): void {
  if (inflatedBytes > longInflatedBytesMax) {
    throw new AppError('inflated_too_large', `The body inflates to more than ${longInflatedBytesMax} bytes.`, {
      hint: 'Send it in several parts.',
    })
  }
  if (inflatedBytes <= Math.max(ratioFreeBytes, body.bytes * inflateRatioMax)) return
  const message = `The body of ${body.bytes} bytes inflates to more than ${inflateRatioMax} times as many.`
  throw new AppError('inflate_ratio_too_large', message, { hint: 'Send it with less compression, or in parts.' })
}

function malformed(problem: string): AppError {
  return new AppError('body_malformed', `The body cannot be read: ${problem}.`, {
    hint: 'Check that it is whole, and that it was compressed with gzip or zstd or not at all.',
  })
}

function tooLongRecord(offset: number, bytes: number): AppError {
  return malformed(`from byte ${offset} on, no record ends within ${bytes} bytes`)
}
