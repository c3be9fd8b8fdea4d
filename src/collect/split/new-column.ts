import type { ScalarType } from '../../store/types.ts'
import type { ColumnWriter, TypedWriter } from './column-writers.ts'
import { createScalarWriter } from './column-writers.ts'
import { isWholeInDouble } from './decimal.ts'
import type { ValueKind, ValueTape } from './value-tape.ts'
import { valueKind } from './value-tape.ts'
import { SparseWriter } from './sparse-writer.ts'
import { numberText } from './value-text.ts'

// What was seen in a column, as a set of bits.
const seenBoolean = 1
const seenInteger = 2
/** An integer within int64 that a double does not hold. */
const seenWide = 4
const seenDouble = 8
const seenText = 16
const seenNested = 32
const seenBinary = 64
const seenTimestamp = 128

/** The narrowest type that holds everything that was seen. */
function typeOf(seen: number): ScalarType {
  if (seen === seenBoolean) return { kind: 'boolean' }
  if ((seen & ~(seenInteger | seenWide)) === 0) return { kind: 'bigint' }
  if ((seen & ~(seenInteger | seenDouble)) === 0) return { kind: 'double' }
  if (seen === seenNested) return { kind: 'json' }
  if (seen === seenBinary) return { kind: 'varbinary' }
  if (seen === seenTimestamp) return { kind: 'timestamp' }
  return { kind: 'varchar' }
}

/**
 * A column whose type is still open. It is built with the narrowest type of what was seen so far. When a value needs another
 * type, what was built is of no use (the digits of `1.50` are not in a double): the column becomes stale, goes on only to see
 * what comes, and the bodies are split again with the type it ends with.
 */
export class NewColumn implements ColumnWriter {
  #seen = 0
  /** The last kind that showed nothing new and never will. */
  #usualKind = -1
  isStale = false
  type: ScalarType | undefined
  target: TypedWriter | undefined

  take(tape: ValueTape, field: number, row: number): boolean {
    const kind = tape.kinds[field] as ValueKind
    if (kind !== this.#usualKind) this.#see(kind, tape, field)
    if (this.isStale) return true
    return this.target !== undefined && this.target.take(tape, field, row)
  }

  #see(kind: ValueKind, tape: ValueTape, field: number): void {
    const seen = this.#seen | seenIn(tape, field)
    if (seen !== this.#seen) this.#widen(seen)
    // What a wide integer or one of many digits is depends on the value.
    if (kind !== valueKind.wide && kind !== valueKind.digits) this.#usualKind = kind
  }

  #widen(seen: number): void {
    this.#seen = seen
    const type = typeOf(seen)
    if (this.target === undefined) this.target = new SparseWriter(createScalarWriter(type))
    else if (type.kind !== this.type?.kind) this.isStale = true
    this.type = type
  }
}

function seenIn(tape: ValueTape, field: number): number {
  switch (tape.kinds[field] as ValueKind) {
    case valueKind.false:
    case valueKind.true:
      return seenBoolean
    case valueKind.integer:
      return seenInteger
    case valueKind.wide: {
      const text = numberText(tape, field)
      return isWholeInDouble(text, Number(text)) ? seenInteger : seenWide
    }
    case valueKind.float:
      return seenDouble
    case valueKind.digits:
      return Number.isFinite(Number(numberText(tape, field))) ? seenDouble : seenText
    case valueKind.nested:
      return seenNested
    case valueKind.binary:
      return seenBinary
    case valueKind.timestamp:
      return seenTimestamp
    case valueKind.null:
    case valueKind.unpaired:
      // Such a value is rescued whatever the column is.
      return 0
    default:
      return seenText
  }
}
