import { encode } from '@msgpack/msgpack'

/** Bytes of hexadecimal texts, spaces ignored, and of other bytes. */
export function bytes(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part)),
  )
}

export const pack = (value: unknown): Buffer => Buffer.from(encode(value, { useBigInt64: true }))

/** A length of 32 bits behind a first byte. */
function long(first: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(5)
  header[0] = first
  header.writeUInt32BE(payload.byteLength, 1)
  return Buffer.concat([header, payload])
}

/** Fluentd packs entries as str32, whatever bytes they are. */
export const str32 = (payload: Uint8Array): Buffer => long(0xdb, payload)
export const bin32 = (payload: Uint8Array): Buffer => long(0xc6, payload)

/** An EventTime as Fluentd writes it: a fixext of 8 bytes. */
export function eventTime(seconds: number, nanoseconds = 0): Buffer {
  const time = Buffer.from('d7000000000000000000', 'hex')
  time.writeUInt32BE(seconds, 2)
  time.writeUInt32BE(nanoseconds, 6)
  return time
}

/** An entry, whose time is given as it is encoded. */
export const entry = (time: Uint8Array | number, record: object): Buffer =>
  bytes('92', typeof time === 'number' ? pack(time) : time, pack(record))

/** A message as Fluentd’s out_forward sends a chunk: PackedForward with entries as str32. */
export const fluentdMessage = (tag: string, entries: Uint8Array, options: object): Buffer =>
  bytes('93', pack(tag), str32(entries), pack(options))
