import { crc32 } from 'node:zlib'

import { assert } from '../../base/errors.ts'
import { FrameHeaders } from './frame-headers.ts'
import type { FrameHeader } from './inbox.ts'

/**
 * A frame: a prefix of 32 bytes, the header as JSON, the body, and zeroes up to the next multiple of eight. Numbers are
 * little-endian.
 *
 *  0  4  the mark "bwfr"
 *  4 12  the segment's token: what an earlier use of the file left behind is no frame of this one. Senders learn ids of
 *        segments but never tokens, so that no body can pass off a part of itself as a frame
 * 16  4  bytes of the header
 * 20  4  bytes of the body
 * 24  4  up to which offset the segment was known to be durable when this was written
 * 28  4  CRC32 of the header, the body and the 28 bytes before, in that order
 */
export const prefixBytes = 32
const mark = Buffer.from('bwfr')
const markWord = mark.readInt32LE()

export const tokenBytes = 12
const alignment = 8

/** Bodies up to this size are copied into their frame: a buffer more to write costs more than the copy. */
const copiedBytesMax = 16 * 1024

/** A frame that waits for its place. The checksum of the large part is made before the place is known. */
export interface PreparedFrame {
  /** The buffers that are the frame, of which the first begins with a prefix that lacks what the place decides. */
  readonly parts: readonly [first: Buffer, ...others: Uint8Array[]]
  readonly checksum: number
  /** With the prefix and the zeroes at the end. */
  readonly bytes: number
}

export function prepareFrame(header: FrameHeader, body: Uint8Array): PreparedFrame {
  const json = JSON.stringify(header)
  const bodyAt = prefixBytes + Buffer.byteLength(json)
  const end = bodyAt + body.byteLength
  const bytes = Math.ceil(end / alignment) * alignment
  const isCopied = body.byteLength <= copiedBytesMax
  const first = Buffer.allocUnsafe(isCopied ? bytes : bodyAt)
  mark.copy(first)
  first.writeUInt32LE(bodyAt - prefixBytes, 16)
  first.writeUInt32LE(body.byteLength, 20)
  first.write(json, prefixBytes)
  if (!isCopied) {
    const checksum = crc32(body, crc32(first.subarray(prefixBytes)))
    return { parts: [first, body, zeroes.subarray(0, bytes - end)], checksum, bytes }
  }
  first.set(body, bodyAt)
  first.fill(0, end)
  return { parts: [first], checksum: crc32(first.subarray(prefixBytes, end)), bytes }
}

/** The buffers that together are the frame. */
export function encodeFrame(
  { parts, checksum }: PreparedFrame,
  token: Buffer,
  durableTo: number,
): readonly Uint8Array[] {
  const [first] = parts
  token.copy(first, 4)
  first.writeUInt32LE(durableTo, 24)
  first.writeUInt32LE(crc32(first.subarray(0, 28), checksum), 28)
  return parts
}

const zeroes = Buffer.alloc(alignment)

/** A frame found in the bytes of a segment. */
export interface FoundFrame {
  readonly header: FrameHeader
  /** Offsets in the segment. */
  readonly from: number
  readonly bodyFrom: number
  readonly bodyTo: number
  readonly to: number
  readonly durableTo: number
}

/**
 * The frame at `at` of `bytes`, which begin at offset `base` of the segment; undefined where there is no sound one. `headers` is one for
 * all frames that are read together.
 */
export function decodeFrame(
  bytes: Buffer,
  at: number,
  base: number,
  token: Buffer,
  headers: FrameHeaders,
): FoundFrame | undefined {
  if (at + prefixBytes > bytes.byteLength || !hasMark(bytes, at, token)) return undefined
  const bodyAt = at + prefixBytes + bytes.readUInt32LE(at + 16)
  const end = bodyAt + bytes.readUInt32LE(at + 20)
  if (end > bytes.byteLength) return undefined
  const checksum = crc32(bytes.subarray(at, at + 28), crc32(bytes.subarray(at + prefixBytes, end)))
  if (checksum !== bytes.readUInt32LE(at + 28)) return undefined
  return {
    header: headers.read(bytes, at + prefixBytes, bodyAt),
    from: base + at,
    bodyFrom: base + bodyAt,
    bodyTo: base + end,
    to: base + Math.ceil(end / alignment) * alignment,
    durableTo: bytes.readUInt32LE(at + 24),
  }
}

/** Word by word: a view of so few bytes costs more than to look at them. */
function hasMark(bytes: Buffer, at: number, token: Buffer): boolean {
  if (bytes.readInt32LE(at) !== markWord) return false
  for (let offset = 0; offset < tokenBytes; offset += 4) {
    if (bytes.readInt32LE(at + mark.byteLength + offset) !== token.readInt32LE(offset)) return false
  }
  return true
}

/** The sound frames between `at` and the end, and the stretches between them. */
export interface Scan {
  readonly frames: readonly FoundFrame[]
  /** Where acknowledged bytes should be and are not: only wear or a foreign hand does this, a crash does not. */
  readonly damaged: readonly { readonly from: number; readonly to: number }[]
}

/**
 * Finds the frames of a segment again. Two commits may be under way when a process dies: the second can be whole while
 * the first is torn. Neither was acknowledged, so the scan ends at the first unsound place, unless a later frame says
 * that this place had been durable: then something acknowledged was damaged, and the scan goes on behind it.
 */
export function scanFrames(bytes: Buffer, start: number, token: Buffer): Scan {
  assert(start % alignment === 0, 'frames are aligned')
  const found = findFrames(bytes, start, token)
  const durableTo = found.reduce((max, frame) => Math.max(max, frame.durableTo), start)
  const frames: FoundFrame[] = []
  const damaged: { from: number; to: number }[] = []
  let at = start
  for (const frame of found) {
    if (frame.from > at) {
      if (at >= durableTo) break
      damaged.push({ from: at, to: frame.from })
    }
    frames.push(frame)
    at = frame.to
  }
  return { frames, damaged }
}

/** Every sound frame, in order; each search begins behind the frame before it. */
function findFrames(bytes: Buffer, start: number, token: Buffer): FoundFrame[] {
  const needle = Buffer.concat([mark, token])
  const headers = new FrameHeaders()
  const frames: FoundFrame[] = []
  let at = start
  while (at < bytes.byteLength) {
    const frame = decodeFrame(bytes, at, 0, token, headers)
    if (frame !== undefined) {
      frames.push(frame)
      at = frame.to
      continue
    }
    do at = bytes.indexOf(needle, at + 1)
    while (at !== -1 && at % alignment !== 0)
    if (at === -1) break
  }
  return frames
}
