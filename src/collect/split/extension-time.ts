import type { Instant } from './instant.ts'

const timestampType = -1
const eventTimeType = 0
/** Beyond these seconds there is no calendar date that JavaScript and SQL agree on. */
const secondsMax = 8_640_000_000_000

/** Says whether an extension (its type, then its payload) is a moment that a timestamp column can hold. */
export function isTimestamp(view: DataView, start: number, end: number): boolean {
  return extensionInstant(view, start, end) !== undefined
}

/**
 * The moment of a MessagePack timestamp (spec, "Timestamp extension type", 32, 64 and 96 bits) or of an EventTime of Fluentd's
 * forward protocol (type 0: seconds and nanoseconds of 32 bits); undefined for other extensions.
 */
export function extensionInstant(view: DataView, start: number, end: number): Instant | undefined {
  const type = view.getInt8(start)
  const at = start + 1
  const length = end - at
  if (type === eventTimeType && length === 8) return instant(view.getUint32(at), view.getUint32(at + 4))
  if (type !== timestampType) return undefined
  if (length === 4) return instant(view.getUint32(at), 0)
  if (length === 8) {
    const upper = view.getUint32(at)
    return instant((upper & 3) * 4_294_967_296 + view.getUint32(at + 4), upper >>> 2)
  }
  if (length === 12) return instant(Number(view.getBigInt64(at + 4)), view.getUint32(at))
  return undefined
}

function instant(seconds: number, nanoseconds: number): Instant | undefined {
  if (Math.abs(seconds) > secondsMax || nanoseconds > 999_999_999) return undefined
  return { seconds, nanoseconds, hasMore: false }
}
