import { viewOf } from '../../base/parquet/byte-sink.ts'
import type { Key } from './key-table.ts'
import { undecided } from './key-table.ts'
import type { NativeFormat, NativeLane } from './native-lane.ts'
import type { NativeRows, PutNative } from './native-puts.ts'
import type { SparseBuilder } from './sparse-writer.ts'
import type { TimeColumns } from './time-columns.ts'
import { nativeBooleans, nativeDoubles, nativeIntegers, nativeTexts } from './native-puts.ts'
import { BooleanBuilder, BytesBuilder, DoubleBuilder, Int64Builder } from './vector-builders.ts'

/** Records that go through the lane at once: what is known of them stays within the processor's caches. */
export const laneRows = 256

/** What the values of a field may be, in the lane. */
export const laneKind = { nothing: 0, time: 1, integer: 2, number: 3, text: 4, boolean: 5 } as const
export type LaneKind = (typeof laneKind)[keyof typeof laneKind]

/** A field that records are expected to have, and where its values go. */
export interface LaneField {
  readonly key: Key
  readonly kind: LaneKind
  /** The key as encoders write it: of MessagePack, and of JSON with its quotes and colon. */
  readonly msgpack: DataView
  readonly json: DataView
  readonly put: Put
  readonly putNative: PutNative
}

type Put = (lane: Lane, field: number, firstRow: number) => void

/** Longer names are for the tape. */
const nameBytesMax = 255

function laneField(key: Key, kind: LaneKind, put: Put, putNative: PutNative): LaneField | undefined {
  const { bytes, isComparable } = key
  if (!isComparable || bytes.length > nameBytesMax) return undefined
  const header = bytes.length < 32 ? [0xa0 | bytes.length] : [0xd9, bytes.length]
  const msgpack = viewOf(Buffer.concat([Buffer.from(header), bytes]))
  return { key, kind, msgpack, json: viewOf(Buffer.from(`"${key.name}":`)), put, putNative }
}

/** Seconds of this size and more are other units. */
const secondsMax = 10 ** 11

/** A lane that takes fewer records at a time costs more than it saves; it is judged after so many tries. */
const worthwhileRows = 8
const worthwhileNativeRows = 4
const triesBeforeJudged = 32

/**
 * The lane beside the tape: most records have the same keys in the same order as the one before, and values of the type of
 * their columns. Such records are read by comparing bytes, and put into columns many at a time, column by column. It takes
 * little else (in WebAssembly, records that lack some of the keys): a reader that meets anything unexpected leaves the record, of which no
 * trace is left, to the tape.
 */
export class Lane {
  fields: readonly LaneField[] = []
  /** Of the body that is read. */
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = viewOf(this.bytes)
  /** Records that were read and are not in columns yet. */
  rows = 0
  /** The place behind them in the body. */
  end = 0
  /** The value of row r of field f is at f * laneRows + r: whether there is one, a number, or where its text lies. */
  hasValue = new Uint8Array(0)
  numbers = new Float64Array(0)
  starts = new Uint32Array(0)
  ends = new Uint32Array(0)
  readonly recordBytesMax: number
  readonly #native: NativeLane | undefined
  #isNative = false
  #tries = 0
  #taken = 0

  constructor(recordBytesMax: number, native?: NativeLane) {
    this.recordBytesMax = recordBytesMax
    this.#native = native
  }

  /** Whether there are records to expect, and the lane has been of use so far. */
  get isOpen(): boolean {
    const worthwhile = this.#native === undefined ? worthwhileRows : worthwhileNativeRows
    return this.fields.length > 0 && (this.#tries < triesBeforeJudged || this.#taken >= this.#tries * worthwhile)
  }

  /** Expects records with these fields from now on. */
  expect(fields: readonly LaneField[]): void {
    this.fields = fields
    this.#native?.expect(fields)
    const places = fields.length * laneRows
    if (this.hasValue.length >= places) return
    this.hasValue = new Uint8Array(places)
    this.numbers = new Float64Array(places)
    this.starts = new Uint32Array(places)
    this.ends = new Uint32Array(places)
  }

  /** Whether the fields are those keys, in this order. */
  expects(keys: readonly Key[], count: number): boolean {
    const { fields } = this
    if (fields.length !== count) return false
    return fields.every(({ key, kind }, index) => {
      return key === keys[index] && (kind !== laneKind.nothing || key.target === undecided)
    })
  }

  open(bytes: Uint8Array, view: DataView): void {
    this.bytes = bytes
    this.view = view
    this.rows = 0
    this.#isNative = false
  }

  /** Reads in WebAssembly what `readMsgpackLane` and `readJsonLane` do; undefined where there is none for such records. */
  readNative(format: NativeFormat, start: number, rowsMax = Infinity): number | undefined {
    const native = this.#native
    if (native?.isReady !== true || start >= this.bytes.length) return undefined
    this.end = native.read(format, this.bytes, start, rowsMax, this.recordBytesMax)
    this.#isNative = true
    this.rows = native.rows
    return this.end
  }

  /** Whether records like the last ones may follow: reading ended for want of room, and not at a record of another kind. */
  get mayGoOn(): boolean {
    return this.#isNative ? this.#native?.mayGoOn === true : this.rows === laneRows
  }

  /** Puts the records that were read into columns, from `firstRow` on; `growth` times as many rows are expected in all. */
  put(firstRow: number, growth: number): void {
    this.#tries += 1
    this.#taken += this.rows
    if (this.rows === 0) return
    if (this.#isNative) return this.#putNative({ first: firstRow, count: this.rows, growth })
    for (let field = 0; field < this.fields.length; field += 1) this.fields[field]?.put(this, field, firstRow)
  }

  #putNative(rows: NativeRows): void {
    const native = this.#native as NativeLane
    for (let field = 0; field < this.fields.length; field += 1) {
      this.fields[field]?.putNative(native.values(field), rows.count - native.nulls(field), rows)
    }
  }
}

/** The field of the time, in whole seconds. */
export function timeField(key: Key, times: TimeColumns): LaneField | undefined {
  const putNative: PutNative = ({ words }, count, { first, growth }) =>
    times.putManySeconds(first, words, count, growth)
  return laneField(key, laneKind.time, (...at) => putTimes(times, ...at), putNative)
}

/** A field whose value was null so far. */
export function emptyField(key: Key): LaneField | undefined {
  return laneField(
    key,
    laneKind.nothing,
    () => {},
    () => {},
  )
}

/** The field of a column; undefined where its type has more to it than the lane knows. */
export function columnField(key: Key, typeKind: string, sparse: SparseBuilder): LaneField | undefined {
  const { values } = sparse
  switch (typeKind) {
    case 'bigint':
      if (!(values instanceof Int64Builder)) return undefined
      return laneField(
        key,
        laneKind.integer,
        (...at) => putIntegers(sparse, values, ...at),
        nativeIntegers(sparse, values),
      )
    case 'double':
      if (!(values instanceof DoubleBuilder)) return undefined
      return laneField(
        key,
        laneKind.number,
        (...at) => putDoubles(sparse, values, ...at),
        nativeDoubles(sparse, values),
      )
    case 'varchar':
      if (!(values instanceof BytesBuilder)) return undefined
      return laneField(key, laneKind.text, (...at) => putTexts(sparse, values, ...at), nativeTexts(sparse, values))
    case 'boolean':
      if (!(values instanceof BooleanBuilder)) return undefined
      return laneField(
        key,
        laneKind.boolean,
        (...at) => putBooleans(sparse, values, ...at),
        nativeBooleans(sparse, values),
      )
    default:
      return undefined
  }
}

/** Whether a number is a time in seconds: another unit would be told by its size. */
export function isSeconds(value: number): boolean {
  return value < secondsMax && value > -secondsMax
}

function putTimes(times: TimeColumns, { numbers, rows }: Lane, field: number, firstRow: number): void {
  const base = field * laneRows
  for (let row = 0; row < rows; row += 1) times.putSeconds(firstRow + row, numbers[base + row] as number)
}

function putIntegers(sparse: SparseBuilder, values: Int64Builder, lane: Lane, field: number, firstRow: number): void {
  const { hasValue, numbers, rows } = lane
  const base = field * laneRows
  for (let row = 0; row < rows; row += 1) {
    if (hasValue[base + row] === 1) values.setNumber(sparse.add(firstRow + row), numbers[base + row] as number)
  }
}

function putDoubles(sparse: SparseBuilder, values: DoubleBuilder, lane: Lane, field: number, firstRow: number): void {
  const { hasValue, numbers, rows } = lane
  const base = field * laneRows
  for (let row = 0; row < rows; row += 1) {
    if (hasValue[base + row] === 1) values.set(sparse.add(firstRow + row), numbers[base + row] as number)
  }
}

function putBooleans(sparse: SparseBuilder, values: BooleanBuilder, lane: Lane, field: number, firstRow: number): void {
  const { hasValue, numbers, rows } = lane
  const base = field * laneRows
  for (let row = 0; row < rows; row += 1) {
    if (hasValue[base + row] === 1) values.set(sparse.add(firstRow + row), numbers[base + row] === 1)
  }
}

function putTexts(sparse: SparseBuilder, values: BytesBuilder, lane: Lane, field: number, firstRow: number): void {
  const { bytes, hasValue, starts, ends, rows } = lane
  const base = field * laneRows
  for (let row = 0; row < rows; row += 1) {
    const place = base + row
    if (hasValue[place] !== 1) continue
    values.setRange(sparse.add(firstRow + row), bytes, starts[place] as number, ends[place] as number)
  }
}
