/** Writes MessagePack (github.com/msgpack/msgpack, spec.md), each value in its shortest form. */
export class MsgpackWriter {
  #buffer = Buffer.allocUnsafe(1 << 16)
  #bytes = 0

  /** What was written since the last `take`. */
  get bytes(): number {
    return this.#bytes
  }

  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#bytes)
    // A new buffer, because the reader of the taken one is not done with it.
    this.#buffer = Buffer.allocUnsafe(this.#buffer.byteLength)
    this.#bytes = 0
    return taken
  }

  nil(): void {
    this.#byte(0xc0)
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2)
  }

  /** From −2^63 to 2^63 − 1. */
  integer(value: bigint): void {
    if (value >= -32n && value < 128n) return this.#byte(Number(value) & 0xff)
    if (value >= -0x8000_0000n && value < 0x8000_0000n) return this.#int(Number(value))
    const at = this.#reserve(9)
    this.#buffer[at] = 0xd3
    this.#buffer.writeBigInt64BE(value, at + 1)
  }

  double(value: number): void {
    const at = this.#reserve(9)
    this.#buffer[at] = 0xcb
    this.#buffer.writeDoubleBE(value, at + 1)
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value)
    if (bytes < 32) this.#byte(0xa0 | bytes)
    else this.#head(bytes, 0xd9, 0xda, 0xdb)
    const at = this.#reserve(bytes)
    this.#buffer.write(value, at, 'utf8')
  }

  binary(value: Uint8Array): void {
    this.#head(value.byteLength, 0xc4, 0xc5, 0xc6)
    const at = this.#reserve(value.byteLength)
    this.#buffer.set(value, at)
  }

  /** Announces an array; its items follow. */
  arrayOf(items: number): void {
    if (items < 16) this.#byte(0x90 | items)
    else this.#head(items, undefined, 0xdc, 0xdd)
  }

  /** Announces a map; keys and values follow in turn. */
  mapOf(entries: number): void {
    if (entries < 16) this.#byte(0x80 | entries)
    else this.#head(entries, undefined, 0xde, 0xdf)
  }

  #int(value: number): void {
    if (value >= -0x80 && value < 0x80) {
      const at = this.#reserve(2)
      this.#buffer[at] = 0xd0
      this.#buffer.writeInt8(value, at + 1)
    } else if (value >= -0x8000 && value < 0x8000) {
      const at = this.#reserve(3)
      this.#buffer[at] = 0xd1
      this.#buffer.writeInt16BE(value, at + 1)
    } else {
      const at = this.#reserve(5)
      this.#buffer[at] = 0xd2
      this.#buffer.writeInt32BE(value, at + 1)
    }
  }

  /** A length in 1, 2 or 4 bytes behind the tag that belongs to it. */
  #head(length: number, tag8: number | undefined, tag16: number, tag32: number): void {
    if (tag8 !== undefined && length < 0x100) {
      this.#byte(tag8)
      this.#byte(length)
    } else if (length < 0x1_0000) {
      const at = this.#reserve(3)
      this.#buffer[at] = tag16
      this.#buffer.writeUInt16BE(length, at + 1)
    } else {
      const at = this.#reserve(5)
      this.#buffer[at] = tag32
      this.#buffer.writeUInt32BE(length, at + 1)
    }
  }

  #byte(value: number): void {
    const at = this.#reserve(1)
    this.#buffer[at] = value
  }

  /** Room for `bytes` more; answers where it begins. */
  #reserve(bytes: number): number {
    const at = this.#bytes
    this.#bytes += bytes
    if (this.#bytes > this.#buffer.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.byteLength * 2, this.#bytes))
      larger.set(this.#buffer.subarray(0, at))
      this.#buffer = larger
    }
    return at
  }
}
