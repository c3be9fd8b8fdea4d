import { openModule } from '../../base/web-assembly.ts'

type Read = (fields: number, count: number, start: number, end: number, most: number, recordBytesMax: number) => void

/** What the module of `assembly/lane.ts` exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly rows: { readonly value: number }
  readonly stoppedAt: { readonly value: number }
  firstFree(): number
  reserve(bytes: number): void
  readonly readMsgpack: Read
  readonly readJson: Read
}

export type NativeFormat = 'msgpack' | 'json'

/** The module with its memory: one serves all splits of a process, one after the other. */
export interface NativeModule {
  readonly exports: Exports
}

/** Undefined on a processor without SIMD, as `openModule`. */
export function openNativeModule(bytes: Uint8Array): NativeModule | undefined {
  const exports = openModule(bytes) as Exports | undefined
  return exports && { exports }
}

/** Which rows have a value in a field, and the values, side by side: those of its kind, of texts where each ends. */
export interface NativeValues {
  readonly hasValue: Uint8Array
  readonly words: Int32Array
  readonly doubles: Float64Array
  readonly booleans: Uint8Array
  readonly ends: Uint32Array
  readonly text: Uint8Array
}

/** A field that records are expected to have: its key as either format has it, and a kind of `laneKind`. */
interface NativeField {
  readonly msgpack: DataView
  readonly json: DataView
  readonly kind: number
}

/** Rows of one call, as in the module. */
const rowsMax = 1024

/** So much of a body is in the module's memory at one time: it stays within the processor's caches. */
const windowBytes = 256 * 1024

/** Each field of texts has room for a whole window of them, of which memory is taken as it is used. */
const fieldsMax = 255

/** Bytes are read and copied sixteen at a time, beyond their end. */
const slackBytes = 64

const openObject = 0x7b
const comma = 0x2c

const fieldBytes = 40
const nullsAt = 36

/** Reads records of MessagePack and of NDJSON as the lane does, in WebAssembly, and puts the values of each field side by side. */
export class NativeLane {
  readonly #exports: Exports
  #bytes: Uint8Array = new Uint8Array(0)
  #memory = new Uint8Array(0)
  #words = new Uint32Array(0)
  #values: NativeValues[] = []
  #fieldsAt = 0
  #windowAt = 0
  /** Which part of the body is in the window. */
  #from = 0
  #to = 0
  rows = 0
  /** Whether it ended with the window or with the rows of a call, and not at a record that is not for it. */
  mayGoOn = false

  constructor({ exports }: NativeModule) {
    this.#exports = exports
  }

  /** Whether there are fields to expect. */
  get isReady(): boolean {
    return this.#values.length > 0
  }

  expect(fields: readonly NativeField[]): void {
    this.#values = []
    this.#to = 0
    if (fields.length > fieldsMax) return
    let end = aligned(this.#exports.firstFree())
    const take = (bytes: number): number => {
      const at = end
      end = aligned(end + bytes + slackBytes)
      return at
    }
    this.#fieldsAt = take(fields.length * fieldBytes)
    const places = fields.map(({ msgpack, json }) => ({
      msgpackKey: take(msgpack.byteLength),
      jsonKey: take(json.byteLength + 1),
      values: take(rowsMax * 8),
      hasValue: take(rowsMax),
      text: take(windowBytes),
    }))
    this.#windowAt = take(windowBytes)
    this.#exports.reserve(end)
    const { buffer } = this.#exports.memory
    this.#memory = new Uint8Array(buffer)
    this.#words = new Uint32Array(buffer)
    for (const [index, { msgpack, json, kind }] of fields.entries()) {
      const { msgpackKey, jsonKey, values, hasValue, text } = places[index] as (typeof places)[number]
      this.#memory.set(bytesOf(msgpack), msgpackKey)
      // What stands before a key in a line is compared along with it.
      this.#memory[jsonKey] = index === 0 ? openObject : comma
      this.#memory.set(bytesOf(json), jsonKey + 1)
      const keys = [msgpackKey, msgpack.byteLength, jsonKey, json.byteLength + 1]
      const field = [...keys, kind, values, hasValue, text, 0, 0]
      this.#words.set(field, (this.#fieldsAt + index * fieldBytes) / 4)
      this.#values.push({
        hasValue: new Uint8Array(buffer, hasValue, rowsMax),
        words: new Int32Array(buffer, values, rowsMax * 2),
        doubles: new Float64Array(buffer, values, rowsMax),
        booleans: new Uint8Array(buffer, values, rowsMax),
        ends: new Uint32Array(buffer, values, rowsMax),
        text: new Uint8Array(buffer, text, windowBytes),
      })
    }
  }

  /** Reads at most `most` records of the body from `start` on. Returns the place behind the last of them. */
  read(format: NativeFormat, bytes: Uint8Array, start: number, most: number, recordBytesMax: number): number {
    this.#show(bytes, start)
    const { rows, stoppedAt, readJson, readMsgpack } = this.#exports
    const shift = this.#windowAt - this.#from
    const asked = Math.min(most, rowsMax)
    const read = format === 'json' ? readJson : readMsgpack
    read(this.#fieldsAt, this.#values.length, start + shift, this.#to + shift, asked, recordBytesMax)
    const end = stoppedAt.value - shift
    this.rows = rows.value
    this.mayGoOn = this.rows === rowsMax || (this.rows > 0 && !this.#isInWindow(end, bytes))
    return end
  }

  values(field: number): NativeValues {
    return this.#values[field] as NativeValues
  }

  /** How many of the rows have no value in the field. */
  nulls(field: number): number {
    return this.#words[(this.#fieldsAt + field * fieldBytes + nullsAt) / 4] as number
  }

  /** Has the window hold what follows `start`, so that most records are whole in it. */
  #show(bytes: Uint8Array, start: number): void {
    if (this.#isInWindow(start, bytes)) return
    this.#bytes = bytes
    this.#from = start
    this.#to = Math.min(bytes.length, start + windowBytes)
    this.#memory.set(bytes.subarray(start, this.#to), this.#windowAt)
  }

  /** Whether the record that begins there would be no more whole in another window. */
  #isInWindow(start: number, bytes: Uint8Array): boolean {
    if (bytes !== this.#bytes || start < this.#from || start > this.#to) return false
    return this.#to === bytes.length || this.#to - start >= windowBytes / 4
  }
}

/** Numbers lie at multiples of their size. */
const aligned = (place: number): number => Math.ceil(place / 8) * 8

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
