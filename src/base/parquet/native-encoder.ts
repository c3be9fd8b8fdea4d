import { assert } from '../errors.ts'
import { KeptMemory } from '../kept-memory.ts'
import { openModule } from '../web-assembly.ts'

/** What the module of `assembly/encoder.ts` exports; places are those in its memory. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly minAt: { readonly value: number }
  readonly maxAt: { readonly value: number }
  readonly hasNan: { readonly value: number }
  firstFree(): number
  reserve(bytes: number): void
  keepValues(values: number, valid: number, count: number, width: number): number
  keepTexts(offsets: number, valid: number, count: number): number
  putTexts(offsets: number, data: number, places: number, count: number, target: number): number
  putValues(values: number, width: number, places: number, count: number, target: number): number
  findNumberBounds(values: number, width: number, places: number, count: number): void
  findRealBounds(values: number, places: number, count: number): number
  findTextBounds(offsets: number, data: number, places: number, count: number): void
  packPlaces(numbers: number, count: number, width: number, target: number): number
  packNumbers(values: number, width: number, count: number, scratch: number, target: number): number
  packTextLengths(offsets: number, count: number, lengths: number, scratch: number, target: number): number
  readonly textDictionary: (...places: readonly [offsets: number, data: number, ...DictionaryPlaces]) => number
  readonly numberDictionary: (...places: readonly [values: number, width: number, ...DictionaryPlaces]) => number
  readonly fillBloomFilter: (
    ...places: readonly [
      offsets: number,
      data: number,
      width: number,
      places: number,
      count: number,
      filter: number,
      blocks: number,
    ]
  ) => void
  compress(source: number, length: number, target: number): number
}

type DictionaryPlaces = readonly [
  count: number,
  numbers: number,
  entries: number,
  most: number,
  table: number,
  slots: number,
]

/** Undefined on a processor without SIMD, as `openModule`. */
export function openNativeEncoder(bytes: Uint8Array): NativeEncoder | undefined {
  const exports = openModule(bytes) as Exports | undefined
  return exports && new NativeEncoder(exports)
}

/** Bytes are read and written up to sixteen at a time, beyond their end. */
const slackBytes = 32

/** From here on, JavaScript would take places that the module returns for negative numbers. */
const placesEnd = 2 ** 31

/** Row groups are of a few megabytes, and what gathers them doubles until it has room for them. */
const pagesBytesMax = 32 << 20

/** The module and its memory, which serves one column chunk after the other: what was taken lasts until `clear`. */
export class NativeEncoder {
  readonly run: Exports
  /** Where the pages of a row group are gathered. */
  readonly pages = new KeptMemory(pagesBytesMax)
  readonly #firstFree: number
  #end: number
  /** All of the memory. Another one from `take` and `put` on, where they made it grow. */
  bytes: Uint8Array

  constructor(exports: Exports) {
    this.run = exports
    this.#firstFree = exports.firstFree()
    this.#end = aligned(this.#firstFree)
    this.bytes = new Uint8Array(exports.memory.buffer)
  }

  clear(): void {
    this.#end = aligned(this.#firstFree)
  }

  /** A place of so many bytes, which have any value. */
  take(bytes: number): number {
    const at = this.#end
    this.#end = aligned(at + bytes + slackBytes)
    assert(this.#end < placesEnd, 'a column chunk fits into the memory of the encoder')
    if (this.#end > this.bytes.length) {
      this.run.reserve(this.#end)
      this.bytes = new Uint8Array(this.run.memory.buffer)
      assert(this.#end <= this.bytes.length, 'the memory of the encoder can grow')
    }
    return at
  }

  takeZeros(bytes: number): number {
    const at = this.take(bytes)
    this.bytes.fill(0, at, at + bytes)
    return at
  }

  put(source: Uint8Array): number {
    const at = this.take(source.length)
    this.bytes.set(source, at)
    return at
  }
}

/** Numbers lie at multiples of their size. */
const aligned = (place: number): number => Math.ceil(place / 16) * 16
