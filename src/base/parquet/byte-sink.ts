/** Below this many bytes a loop is faster than a call into the engine's memory copy. */
const loopBytesMax = 48

/** Bytes that grow at their end. `clear` keeps the memory, so one sink can serve many pages. */
export class ByteSink {
  bytes: Uint8Array
  length = 0

  constructor(capacity: number) {
    this.bytes = new Uint8Array(Math.max(capacity, 64))
  }

  /** Makes room for `count` more bytes, which the caller then writes into `bytes` itself before adding to `length`. */
  reserve(count: number): Uint8Array {
    const needed = this.length + count
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    return this.bytes
  }

  clear(): void {
    this.length = 0
  }

  byte(value: number): void {
    this.reserve(1)[this.length++] = value
  }

  /** Four bytes, little-endian. */
  uint32(value: number): void {
    const bytes = this.reserve(4)
    let at = this.length
    bytes[at++] = value
    bytes[at++] = value >>> 8
    bytes[at++] = value >>> 16
    bytes[at++] = value >>> 24
    this.length = at
  }

  append(source: Uint8Array): void {
    this.reserve(source.length).set(source, this.length)
    this.length += source.length
  }

  /** Copies source[start] to source[end], which is mostly short. */
  appendRange(source: Uint8Array, start: number, end: number): void {
    const bytes = this.reserve(end - start)
    if (end - start > loopBytesMax) {
      bytes.set(source.subarray(start, end), this.length)
      this.length += end - start
      return
    }
    let to = this.length
    for (let from = start; from < end; from += 1) bytes[to++] = source[from] as number
    this.length = to
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
