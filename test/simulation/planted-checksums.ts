import { crc32 } from 'node:zlib'

import { prefixBytes } from '../../src/collect/inbox/frame.ts'

/** The bytes with checksums that fit whatever stands behind the mark of a frame: as if nobody looked at them. */
export function soundFrames(bytes: Buffer): Buffer {
  const sound = Buffer.from(bytes)
  for (let at = sound.indexOf('bwfr'); at !== -1; at = sound.indexOf('bwfr', at + 1)) {
    if (at % 8 !== 0 || at + prefixBytes > sound.byteLength) continue
    const end = at + prefixBytes + sound.readUInt32LE(at + 16) + sound.readUInt32LE(at + 20)
    if (end > sound.byteLength) continue
    const checksum = crc32(sound.subarray(at, at + 28), crc32(sound.subarray(at + prefixBytes, end)))
    sound.writeUInt32LE(checksum, at + 28)
  }
  return sound
}
