import { AppError } from '../../base/errors.ts'
import { ByteSink } from '../../base/parquet/byte-sink.ts'
import { columnsMax } from '../../store/columns.ts'
import { inflatedBytesMax } from '../limits.ts'
import { putQuoted } from '../split/json-strings.ts'
import type { CsvProblem } from './csv-reader.ts'
import { CsvReader } from './csv-reader.ts'

/** A record of CSV that cannot be read. */
export interface RejectedCsv extends CsvProblem {
  readonly recordNumber: number
  readonly start: number
  readonly end: number
}

/** Records of CSV as lines of JSON, which the splitter reads by its own rules. */
export interface CsvLines {
  readonly bytes: Buffer
  /** For each line the number of its record, and where it starts and ends in the CSV. */
  readonly recordNumbers: readonly number[]
  readonly starts: readonly number[]
  readonly ends: readonly number[]
  readonly rejected: readonly RejectedCsv[]
  /** Where the line of names ends, with the end of the line; 0 where there is none. */
  readonly namesEnd: number
}

/**
 * Reads comma or tab separated values (RFC 4180) with a line of names first. What looks like a number or a boolean of JSON
 * becomes one, and keeps its digits; everything else is text, in particular what has leading zeros. An empty field is no
 * value, and "" is the empty text. Fails with `body_malformed` where the names cannot be used.
 */
export function csvLines(bytes: Buffer, delimiter: ',' | '\t'): CsvLines {
  const reader = new CsvReader(bytes, delimiter.charCodeAt(0))
  if (!reader.next())
    return { bytes: Buffer.alloc(0), recordNumbers: [], starts: [], ends: [], rejected: [], namesEnd: 0 }
  const keys = keysOf(reader)
  const namesEnd = reader.end
  const writer = new LineWriter(reader, keys)
  const rejected: RejectedCsv[] = []
  const [recordNumbers, starts, ends]: [number[], number[], number[]] = [[], [], []]
  for (let recordNumber = 0; reader.next(); recordNumber += 1) {
    const problem = reader.problem ?? fieldsProblem(reader.count, keys.length)
    if (problem !== undefined) {
      rejected.push({ recordNumber, start: reader.start, end: reader.end, ...problem })
      continue
    }
    writer.write()
    recordNumbers.push(recordNumber)
    starts.push(reader.start)
    ends.push(reader.end)
  }
  return { bytes: writer.finish(), recordNumbers, starts, ends, rejected, namesEnd }
}

/** The lines repeat the names, and so are longer than the CSV. */
const linesBytesMax = 2 * inflatedBytesMax

/** Text that JSON can say without quotes. Leading zeros, signs and spaces keep a field text. */
const bare = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false)$/

/** Longer fields are not looked at twice. */
const bareBytesMax = 400

const code = {
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  zero: 0x30,
  nine: 0x39,
  backslash: 0x5c,
  f: 0x66,
  t: 0x74,
  open: 0x7b,
  close: 0x7d,
  lineFeed: 0x0a,
  space: 0x20,
} as const

/** Writes the records of a reader as lines of JSON. */
class LineWriter {
  readonly #reader: CsvReader
  readonly #bytes: Buffer
  /** Each with the comma before it and the colon behind it. */
  readonly #keys: readonly Buffer[]
  readonly #sink: ByteSink

  constructor(reader: CsvReader, keys: readonly Buffer[]) {
    this.#reader = reader
    this.#bytes = reader.bytes
    this.#keys = keys
    this.#sink = new ByteSink(reader.bytes.byteLength * 2)
  }

  write(): void {
    const sink = this.#sink
    const { starts, ends, areQuoted, count } = this.#reader
    let skipped: 0 | 1 = 1
    sink.byte(code.open)
    for (let field = 0; field < count; field += 1) {
      const start = starts[field] as number
      const end = ends[field] as number
      if (start === end && areQuoted[field] === false) continue
      const key = this.#keys[field] as Buffer
      this.#copyKey(key, skipped)
      skipped = 0
      this.#value(start, end, areQuoted[field] === true)
    }
    sink.byte(code.close)
    sink.byte(code.lineFeed)
    if (sink.length > linesBytesMax) throw tooLarge()
  }

  /** Byte by byte: the sink copies fastest where it copies from the same source as before, and that is the CSV. */
  #copyKey(key: Buffer, from: number): void {
    const sink = this.#sink
    const bytes = sink.reserve(key.length)
    let at = sink.length
    for (let index = from; index < key.length; index += 1) bytes[at++] = key[index] as number
    sink.length = at
  }

  #value(start: number, end: number, isQuoted: boolean): void {
    const sink = this.#sink
    if (this.#isBare(start, end)) return sink.appendRange(this.#bytes, start, end)
    if (this.#isPlain(start, end)) {
      sink.byte(code.quote)
      sink.appendRange(this.#bytes, start, end)
      return sink.byte(code.quote)
    }
    if (!isQuoted) return putQuoted(sink, this.#bytes, start, end)
    // Doubled quotes are ASCII: taking the bytes for Latin-1 leaves the others as they are.
    const text = Buffer.from(this.#bytes.toString('latin1', start, end).replaceAll('""', '"'), 'latin1')
    putQuoted(sink, text, 0, text.byteLength)
  }

  /** Whether the field may stand in JSON without quotes. Whole numbers, the most of them, need no regular expression. */
  #isBare(start: number, end: number): boolean {
    const bytes = this.#bytes
    const first = bytes[start] as number
    if (first === code.t || first === code.f || first === code.minus) return this.#matchesBare(start, end)
    if (first < code.zero || first > code.nine) return false
    if (first === code.zero) return end === start + 1 || this.#matchesBare(start, end)
    for (let at = start + 1; at < end; at += 1) {
      const found = bytes[at] as number
      if (found < code.zero || found > code.nine) return this.#matchesBare(start, end)
    }
    return end - start <= bareBytesMax
  }

  #matchesBare(start: number, end: number): boolean {
    return end - start <= bareBytesMax && bare.test(this.#bytes.toString('latin1', start, end))
  }

  /** Whether a JSON string can hold the bytes as they are. */
  #isPlain(start: number, end: number): boolean {
    const bytes = this.#bytes
    for (let at = start; at < end; at += 1) {
      const found = bytes[at] as number
      if (found < code.space || found === code.quote || found === code.backslash) return false
    }
    return true
  }

  finish(): Buffer {
    const { buffer, byteOffset, byteLength } = this.#sink.written()
    return Buffer.from(buffer, byteOffset, byteLength)
  }
}

function fieldsProblem(count: number, wanted: number): CsvProblem | undefined {
  if (count === wanted) return undefined
  return { reason: 'csv_fields', detail: `the record has ${count} fields, and the line of names ${wanted}` }
}

/** The names as keys of JSON. A column without a name is called by its number. */
function keysOf(reader: CsvReader): Buffer[] {
  const { count, problem } = reader
  if (problem !== undefined) throw malformed(problem.detail)
  if (count > columnsMax) throw malformed(`it has ${count} names, and ${columnsMax} are allowed`)
  const seen = new Set<string>()
  return Array.from({ length: count }, (_, field) => {
    const name = reader.text(field) || `column${field + 1}`
    if (seen.has(name)) throw malformed(`the name ${JSON.stringify(name)} stands in it twice`)
    seen.add(name)
    return Buffer.from(`,${JSON.stringify(name)}:`)
  })
}

function malformed(problem: string): AppError {
  return new AppError('body_malformed', `The first line, which names the columns, cannot be used: ${problem}.`, {
    hint: 'The first line has one name for each column, each once.',
  })
}

function tooLarge(): AppError {
  return new AppError('inflated_too_large', 'The values and the names of their columns are too many for one body.', {
    hint: 'Send it in parts, each with the line of names and an id of its own.',
  })
}
