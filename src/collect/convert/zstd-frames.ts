/** What the header of a zstd frame claims (RFC 8878 §3.1.1.1). */
export interface ZstdFrame {
  /** How many bytes back the frame may refer to: what a decoder sets aside before it reads anything. */
  readonly windowBytes: number
}

const magic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const blockType = { raw: 0, rle: 1, compressed: 2 } as const

/**
 * Walks over the frames of a body without decoding them. Ends where the structure is broken, which is the decoder's to tell:
 * it gets no further, either.
 */
export function* zstdFrames(body: Buffer): Generator<ZstdFrame> {
  let at = 0
  while (at + 8 <= body.byteLength) {
    const found = body.readUInt32LE(at)
    if ((found & 0xfffffff0) >>> 0 === skippableMagic) {
      at += 8 + body.readUInt32LE(at + 4)
      continue
    }
    if (found !== magic) return
    const header = readHeader(body, at + 4)
    if (header === undefined) return
    yield { windowBytes: header.windowBytes }
    at = behindBlocks(body, header.end) + (header.hasChecksum ? 4 : 0)
  }
}

const dictionaryIdBytes = [0, 1, 2, 4]
const contentSizeBytes = [0, 2, 4, 8]

function readHeader(
  body: Buffer,
  start: number,
): { windowBytes: number; hasChecksum: boolean; end: number } | undefined {
  const descriptor = body.readUInt8(start)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (contentSizeBytes[sizeFlag] ?? 0)
  const sizeAt = start + 1 + (isSingleSegment ? 0 : 1) + (dictionaryIdBytes[descriptor & 3] ?? 0)
  const end = sizeAt + sizeBytes
  if (end > body.byteLength) return undefined
  const hasChecksum = (descriptor & 4) !== 0
  if (isSingleSegment) {
    // Of eight bytes the upper half is enough to know that the claim is absurd.
    const low = body.readUIntLE(sizeAt, Math.min(sizeBytes, 4)) + (sizeBytes === 2 ? 256 : 0)
    const high = sizeBytes === 8 ? body.readUInt32LE(sizeAt + 4) : 0
    return { windowBytes: high * 2 ** 32 + low, hasChecksum, end }
  }
  const window = body.readUInt8(start + 1)
  const base = 2 ** (10 + (window >> 3))
  return { windowBytes: base + (base / 8) * (window & 7), hasChecksum, end }
}

function behindBlocks(body: Buffer, start: number): number {
  for (let at = start; at + 3 <= body.byteLength;) {
    const header = body.readUIntLE(at, 3)
    const type = (header >> 1) & 3
    at += 3 + (type === blockType.rle ? 1 : header >> 3)
    if ((header & 1) === 1) return at
  }
  return body.byteLength
}
