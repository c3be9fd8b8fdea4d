import { crc32 } from 'node:zlib'

import type { DiskFile } from '../../base/disk.ts'
import type { Randomness } from '../../base/randomness.ts'
import { tokenBytes } from './frame.ts'

/** What identifies one use of a segment. */
export interface SegmentIdentity {
  /** Public: in lower-case hexadecimal. Part of the ids of bodies that have none of their own. */
  readonly id: string
  /** Secret: marks the frames of this use. */
  readonly token: Buffer
}

/**
 * The first page of a segment. The identity stands in it twice, in different sectors, so that one bad sector does not cost
 * the segment; a segment without identity is free. Numbers are little-endian.
 *
 *  0  8  the mark "biwaseg1", which names the version, too
 *  8 12  the id
 * 20 12  the token
 * 32  4  CRC32 of the 32 bytes before
 *
 * At 1024: how far the frames are settled (4), and the CRC32 of the token and these four bytes (4).
 */
export const headerBytes = 4096
const mark = Buffer.from('biwaseg1')
const copyOffsets = [0, 2048]
const copyBytes = 36
const settledOffset = 1024

export function newIdentity(randomness: Randomness): SegmentIdentity {
  return { id: randomness.bytes(12).toString('hex'), token: randomness.bytes(tokenBytes) }
}

/** The whole page of a segment that is taken into use. */
export function encodeHeader(identity: SegmentIdentity): Buffer {
  const page = Buffer.alloc(headerBytes)
  const copy = Buffer.concat([mark, Buffer.from(identity.id, 'hex'), identity.token])
  for (const offset of copyOffsets) {
    copy.copy(page, offset)
    page.writeUInt32LE(crc32(copy), offset + copy.byteLength)
  }
  return page
}

/** The page of a segment that is free. */
export const freeHeader = Buffer.alloc(headerBytes)

/** Undefined for a page without identity: the segment is free. */
export function decodeHeader(page: Buffer): SegmentIdentity | undefined {
  for (const offset of copyOffsets) {
    const copy = page.subarray(offset, offset + copyBytes)
    if (copy.byteLength < copyBytes || !copy.subarray(0, 8).equals(mark)) continue
    if (crc32(copy.subarray(0, 32)) !== copy.readUInt32LE(32)) continue
    return { id: copy.toString('hex', 8, 20), token: Buffer.from(copy.subarray(20, 32)) }
  }
  return undefined
}

/**
 * Notes that every frame before `settledTo` was dealt with. It is not synced: a lost note only makes the next intake ask
 * again for what the store knows already.
 */
export async function writeSettled(file: DiskFile, identity: SegmentIdentity, settledTo: number): Promise<void> {
  const note = Buffer.alloc(8)
  note.writeUInt32LE(settledTo, 0)
  note.writeUInt32LE(crc32(note.subarray(0, 4), crc32(identity.token)), 4)
  await file.write(note, settledOffset)
}

export function decodeSettled(page: Buffer, identity: SegmentIdentity): number {
  if (page.byteLength < settledOffset + 8) return headerBytes
  const note = page.subarray(settledOffset, settledOffset + 8)
  const isSound = crc32(note.subarray(0, 4), crc32(identity.token)) === note.readUInt32LE(4)
  return isSound ? Math.max(headerBytes, note.readUInt32LE(0)) : headerBytes
}
