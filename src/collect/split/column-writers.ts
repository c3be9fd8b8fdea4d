import type { Memory } from '../../base/kept-memory.ts'
import { freshMemory } from '../../base/kept-memory.ts'
import type { ScalarBuilder, VectorBuilder } from './vector-builders.ts'
import type { ValueTape } from './value-tape.ts'
import type { ScalarType } from '../../store/types.ts'
import {
  BooleanBuilder,
  BytesBuilder,
  DoubleBuilder,
  Int128Builder,
  Int32Builder,
  Int64Builder,
} from './vector-builders.ts'
import { textOf, valueKind } from './value-tape.ts'
import { decimalToInt64, isWholeInDouble, parseDecimal, scaledInteger } from './decimal.ts'
import { extensionInstant } from './extension-time.ts'
import type { Instant } from './instant.ts'
import { isWholeInMicros, parseDate, parseInstant } from './instant.ts'
import { readInt64Text } from './int64-text.ts'
import { isUtf8Range } from './utf8.ts'
import { numberText, putJson, putText } from './value-text.ts'

/** Where the values of a key go. */
export interface ColumnWriter {
  /**
   * Puts a value, which is not null, into the column's row as far as it fits. False where something of it does not: then it is
   * rescued as it came.
   */
  take(tape: ValueTape, field: number, row: number): boolean
}

/** A writer that builds the vector of one type. */
export interface TypedWriter extends ColumnWriter {
  readonly builder: VectorBuilder
}

/** A writer of values with nothing inside of them. */
export interface ScalarWriter extends TypedWriter {
  readonly builder: ScalarBuilder
}

/** Takes nothing: every value is rescued. */
export const rescueOnly: ColumnWriter = { take: () => false }

/** What it builds lies in the memory. */
export function createScalarWriter(type: ScalarType, memory = freshMemory): ScalarWriter {
  switch (type.kind) {
    case 'boolean':
      return new BooleanWriter(memory)
    case 'bigint':
      return new BigintWriter(memory)
    case 'double':
      return new DoubleWriter(memory)
    case 'decimal':
      return new DecimalWriter(type.precision, type.scale, memory)
    case 'varchar':
      return new VarcharWriter(memory)
    case 'varbinary':
      return new VarbinaryWriter(memory)
    case 'date':
      return new DateWriter(memory)
    case 'timestamp':
      return new TimestampWriter(memory)
    case 'json':
      return new JsonWriter(memory)
  }
}

const isText = (kind: number | undefined): boolean => kind === valueKind.string || kind === valueKind.escaped

/** The text of a string field; undefined of other fields, and of strings too long to be a value of a short form. */
function shortText(tape: ValueTape, field: number): string | undefined {
  if (!isText(tape.kinds[field])) return undefined
  tape.locateText(field)
  const { textBytes, textStart, textEnd } = tape
  return textEnd - textStart > 1100 ? undefined : textOf(textBytes, textStart, textEnd)
}

/** The text of a number, or of a string that may be one. */
function numericText(tape: ValueTape, field: number): string | undefined {
  switch (tape.kinds[field]) {
    case valueKind.integer:
    case valueKind.wide:
    case valueKind.huge:
    case valueKind.float:
    case valueKind.digits:
      return numberText(tape, field)
    default:
      return shortText(tape, field)
  }
}

class BooleanWriter implements ScalarWriter {
  readonly builder: BooleanBuilder

  constructor(memory: Memory) {
    this.builder = new BooleanBuilder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    const kind = tape.kinds[field]
    const text = shortText(tape, field)
    const isTrue = kind === valueKind.true || text === 'true'
    if (!isTrue && kind !== valueKind.false && text !== 'false') return false
    this.builder.set(row, isTrue)
    return true
  }
}

class BigintWriter implements ScalarWriter {
  readonly builder: Int64Builder
  readonly #words = new Int32Array(2)

  constructor(memory: Memory) {
    this.builder = new Int64Builder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    switch (tape.kinds[field]) {
      case valueKind.integer:
        this.builder.setNumber(row, tape.numbers[field] as number)
        return true
      case valueKind.wide:
        this.builder.setWords(row, tape.words[field * 2] as number, tape.words[field * 2 + 1] as number)
        return true
      case valueKind.float:
        return tape.msgpack === undefined
          ? this.#takeDecimal(tape, field, row)
          : this.#takeDouble(tape.numbers[field] as number, row)
      case valueKind.digits:
        return this.#takeDecimal(tape, field, row)
      case valueKind.string:
      case valueKind.escaped:
        tape.locateText(field)
        if (!readInt64Text(tape.textBytes, tape.textStart, tape.textEnd, this.#words)) return false
        this.builder.setWords(row, this.#words[0] as number, this.#words[1] as number)
        return true
      default:
        return false
    }
  }

  #takeDecimal(tape: ValueTape, field: number, row: number): boolean {
    const decimal = parseDecimal(numberText(tape, field))
    const value = decimal && decimalToInt64(decimal)
    if (value === undefined) return false
    this.builder.setBigInt(row, value)
    return true
  }

  /** A double that is an integer is exactly that one, though its shortest text may end in other digits. */
  #takeDouble(value: number, row: number): boolean {
    if (!Number.isInteger(value) || value < -(2 ** 63) || value >= 2 ** 63) return false
    this.builder.setBigInt(row, BigInt(value))
    return true
  }
}

class DoubleWriter implements ScalarWriter {
  readonly builder: DoubleBuilder

  constructor(memory: Memory) {
    this.builder = new DoubleBuilder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    const kind = tape.kinds[field]
    if (kind === valueKind.float || kind === valueKind.integer) {
      this.builder.set(row, tape.numbers[field] as number)
      return true
    }
    const text = numericText(tape, field)
    if (text === undefined || (isText(kind) && parseDecimal(text) === undefined)) return false
    const value = Number(text)
    if (!Number.isFinite(value)) return false
    this.builder.set(row, value)
    return isWholeInDouble(text, value)
  }
}

class DecimalWriter implements ScalarWriter {
  readonly builder: Int32Builder | Int64Builder | Int128Builder
  readonly #precision: number
  readonly #scale: number

  constructor(precision: number, scale: number, memory: Memory) {
    this.#precision = precision
    this.#scale = scale
    const Builder = precision <= 9 ? Int32Builder : precision <= 18 ? Int64Builder : Int128Builder
    this.builder = new Builder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    const text = numericText(tape, field)
    const decimal = text === undefined ? undefined : parseDecimal(text)
    const unscaled = decimal && scaledInteger(decimal, this.#scale, this.#precision)
    if (unscaled === undefined) return false
    if (this.builder instanceof Int32Builder) this.builder.set(row, Number(unscaled))
    else if (this.builder instanceof Int64Builder) this.builder.setBigInt(row, unscaled)
    else this.builder.set(row, unscaled)
    return true
  }
}

class VarcharWriter implements ScalarWriter {
  readonly builder: BytesBuilder

  constructor(memory: Memory) {
    this.builder = new BytesBuilder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    const kind = tape.kinds[field]
    const start = tape.starts[field] as number
    const end = tape.ends[field] as number
    if (kind === valueKind.unpaired) return false
    const isUtf8Bytes = kind === valueKind.binary && isUtf8Range(tape.bytes, start, end)
    if (kind === valueKind.binary && !isUtf8Bytes) return false
    if (kind === valueKind.string || isUtf8Bytes) this.builder.setRange(row, tape.bytes, start, end)
    else {
      putText(this.builder.start(row), tape, field)
      this.builder.end(row)
    }
    return true
  }
}

class JsonWriter implements ScalarWriter {
  readonly builder: BytesBuilder

  constructor(memory: Memory) {
    this.builder = new BytesBuilder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    if (tape.kinds[field] === valueKind.unpaired) return false
    putJson(this.builder.start(row), tape, field)
    this.builder.end(row)
    return true
  }
}

class VarbinaryWriter implements ScalarWriter {
  readonly builder: BytesBuilder

  constructor(memory: Memory) {
    this.builder = new BytesBuilder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    if (tape.kinds[field] !== valueKind.binary) return false
    this.builder.setRange(row, tape.bytes, tape.starts[field] as number, tape.ends[field] as number)
    return true
  }
}

class DateWriter implements ScalarWriter {
  readonly builder: Int32Builder

  constructor(memory: Memory) {
    this.builder = new Int32Builder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    if (!isText(tape.kinds[field])) return false
    tape.locateText(field)
    const days = parseDate(tape.textBytes, tape.textStart, tape.textEnd)
    if (days === undefined) return false
    this.builder.set(row, days)
    return true
  }
}

class TimestampWriter implements ScalarWriter {
  readonly builder: Int64Builder

  constructor(memory: Memory) {
    this.builder = new Int64Builder(memory)
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    const instant = this.#instant(tape, field)
    if (instant === undefined) return false
    this.builder.setMicros(row, instant.seconds, Math.floor(instant.nanoseconds / 1000))
    return isWholeInMicros(instant)
  }

  #instant(tape: ValueTape, field: number): Instant | undefined {
    const kind = tape.kinds[field]
    if (isText(kind)) {
      tape.locateText(field)
      return parseInstant(tape.textBytes, tape.textStart, tape.textEnd)
    }
    if (kind !== valueKind.timestamp || tape.msgpack === undefined) return undefined
    return extensionInstant(tape.msgpack.view, tape.starts[field] as number, tape.ends[field] as number)
  }
}
