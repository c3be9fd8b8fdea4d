import { randomBytes } from 'node:crypto'

import type { Clock } from './clock.ts'

/** Randomness as an argument, so that a run can be repeated from its seed. */
export interface Randomness {
  /** `length` bytes; from the system's generator they are fit for secrets. */
  bytes(length: number): Buffer
  /** A number in [0, 1): for jitter and sampling, never for secrets. */
  fraction(): number
}

export const systemRandomness: Randomness = {
  bytes: (length) => randomBytes(length),
  fraction: () => Math.random(),
}

/** A UUID of version 7 (RFC 9562 §5.7): sorts by the time it was made, in lower-case hexadecimal with dashes. */
export function uuidv7(clock: Clock, randomness: Randomness): string {
  const bytes = randomness.bytes(16)
  bytes.writeUIntBE(clock.nowMs(), 0, 6)
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x70
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
