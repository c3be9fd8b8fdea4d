import { AppError } from '../../base/errors.ts'
import { ByteSink } from '../../base/parquet/byte-sink.ts'
import { putQuoted } from '../split/json-strings.ts'
import { columnsMax, inflatedBytesMax, recordBytesMax } from '../limits.ts'

/** A record of CSV that cannot be read. */
export interface RejectedCsv {
  readonly recordNumber: number
  readonly start: number
  readonly end: number
  readonly reason: 'csv_syntax' | 'csv_fields'
  readonly detail: string
}

/** Records of CSV as lines of JSON, which the splitter reads by its own rules. */
export interface CsvLines {
  readonly bytes: Buffer
  /** For each line the number of its record, and where it starts and ends in the CSV. */
  readonly recordNumbers: readonly number[]
  readonly starts: readonly number[]
  readonly ends: readonly number[]
  readonly rejected: readonly RejectedCsv[]
}

/**
 * Reads comma or tab separated values (RFC 4180) with a line of names first. What looks like a number or a boolean of JSON
 * becomes one, and keeps its digits; everything else is text, in particular what has leading zeros. An empty field is no
 * value, and "" is the empty text. Fails with `body_malformed` where the names cannot be used.
 */
export function csvLines(bytes: Buffer, delimiter: ',' | '\t'): CsvLines {
  const reader = new CsvReader(bytes, delimiter.charCodeAt(0))
  if (!reader.next()) return { bytes: Buffer.alloc(0), recordNumbers: [], starts: [], ends: [], rejected: [] }
  const keys = keysOf(reader)
  const writer = new LineWriter(bytes, keys)
  const rejected: RejectedCsv[] = []
  const [recordNumbers, starts, ends]: [number[], number[], number[]] = [[], [], []]
  for (let recordNumber = 0; reader.next(); recordNumber += 1) {
    const problem = reader.problem ?? fieldsProblem(reader.fields.length, keys.length)
    if (problem !== undefined) {
      rejected.push({ recordNumber, start: reader.start, end: reader.end, ...problem })
      continue
    }
    writer.write(reader.fields)
    recordNumbers.push(recordNumber)
    starts.push(reader.start)
    ends.push(reader.end)
  }
  return { bytes: writer.finish(), recordNumbers, starts, ends, rejected }
}

interface Field {
  /** Without the quotes. */
  readonly start: number
  readonly end: number
  readonly isQuoted: boolean
}

type Problem = Pick<RejectedCsv, 'reason' | 'detail'>

const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** The lines repeat the names, and so are longer than the CSV. */
const linesBytesMax = 2 * inflatedBytesMax

/** After so many quotes that are never closed the rest of the body is one record: looking for each end costs too much. */
const openQuotesMax = 100

class CsvReader {
  readonly #bytes: Buffer
  readonly #delimiter: number
  #at: number
  #openQuotes = 0
  fields: Field[] = []
  problem: Problem | undefined
  start = 0
  end = 0

  constructor(bytes: Buffer, delimiter: number) {
    this.#bytes = bytes
    this.#delimiter = delimiter
    this.#at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  }

  /** Reads the next record, or what is wrong with it; false at the end. Blank lines are no records. */
  next(): boolean {
    const bytes = this.#bytes
    while (bytes[this.#at] === lineFeed || bytes[this.#at] === carriageReturn) this.#at += 1
    this.start = this.#at
    this.problem = undefined
    this.fields = []
    if (this.start >= bytes.length) return false
    while (!this.#readField());
    return true
  }

  /** Reads a field and what ends it; true where the record ends with it. */
  #readField(): boolean {
    const bytes = this.#bytes
    const start = this.#at
    const isQuoted = bytes[start] === quote
    const end = isQuoted ? this.#closingQuote(start + 1) : this.#unquotedEnd(start)
    if (end === -1) return true
    this.fields.push({ start: isQuoted ? start + 1 : start, end, isQuoted })
    const behind = isQuoted ? end + 1 : end
    const found = bytes[behind]
    if (found === this.#delimiter) {
      this.#at = behind + 1
      return false
    }
    if (found === undefined || found === lineFeed || (found === carriageReturn && bytes[behind + 1] === lineFeed)) {
      this.#endRecord(behind)
      return true
    }
    return this.#fail('a quoted field is followed by something other than a delimiter')
  }

  /** The text of a field of this record. */
  text({ start, end, isQuoted }: Field): string {
    const text = this.#bytes.toString('utf8', start, end)
    return isQuoted ? text.replaceAll('""', '"') : text
  }

  #unquotedEnd(start: number): number {
    const bytes = this.#bytes
    for (let at = start; ; at += 1) {
      const found = bytes[at]
      if (found === undefined || found === this.#delimiter || found === lineFeed) return at
      if (found === carriageReturn && bytes[at + 1] === lineFeed) return at
    }
  }

  #closingQuote(start: number): number {
    const bytes = this.#bytes
    for (let at = bytes.indexOf(quote, start); at !== -1 && at - this.start <= recordBytesMax;) {
      if (bytes[at + 1] !== quote) return at
      at = bytes.indexOf(quote, at + 2)
    }
    this.#openQuotes += 1
    this.#fail(`a quote is not closed within ${recordBytesMax} bytes`)
    return -1
  }

  /** The record cannot be read. The next one is taken to begin on the next line. */
  #fail(detail: string): true {
    this.problem = { reason: 'csv_syntax', detail }
    const lineEnd = this.#openQuotes > openQuotesMax ? -1 : this.#bytes.indexOf(lineFeed, this.#at)
    this.#endRecord(lineEnd === -1 ? this.#bytes.length : lineEnd)
    return true
  }

  #endRecord(end: number): void {
    const bytes = this.#bytes
    this.end = end > this.start && bytes[end] === lineFeed && bytes[end - 1] === carriageReturn ? end - 1 : end
    this.#at = end
  }
}

/** Text that JSON can say without quotes. Leading zeros, signs and spaces keep a field text. */
const bare = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false)$/

/** Longer fields are not looked at twice. */
const bareBytesMax = 400

const letters = { minus: 0x2d, zero: 0x30, nine: 0x39, t: 0x74, f: 0x66, comma: 0x2c, open: 0x7b, close: 0x7d } as const

/** Writes records as lines of JSON. */
class LineWriter {
  readonly #bytes: Buffer
  readonly #keys: readonly Buffer[]
  readonly #sink: ByteSink

  constructor(bytes: Buffer, keys: readonly Buffer[]) {
    this.#bytes = bytes
    this.#keys = keys
    this.#sink = new ByteSink(bytes.byteLength * 2)
  }

  write(fields: readonly Field[]): void {
    const sink = this.#sink
    let isFirst = true
    sink.byte(letters.open)
    for (let index = 0; index < fields.length; index += 1) {
      const field = fields[index] as Field
      if (field.start === field.end && !field.isQuoted) continue
      if (!isFirst) sink.byte(letters.comma)
      isFirst = false
      sink.append(this.#keys[index] as Buffer)
      this.#value(field)
    }
    sink.byte(letters.close)
    sink.byte(lineFeed)
    if (sink.length > linesBytesMax) throw tooLarge()
  }

  #value({ start, end, isQuoted }: Field): void {
    const bytes = this.#bytes
    if (this.#isBare(start, end)) return this.#sink.appendRange(bytes, start, end)
    if (!isQuoted || !bytes.subarray(start, end).includes(quote)) return putQuoted(this.#sink, bytes, start, end)
    const text = Buffer.from(bytes.toString('latin1', start, end).replaceAll('""', '"'), 'latin1')
    putQuoted(this.#sink, text, 0, text.byteLength)
  }

  #isBare(start: number, end: number): boolean {
    const first = this.#bytes[start] as number
    const mayBe =
      (first >= letters.zero && first <= letters.nine) ||
      first === letters.minus ||
      first === letters.t ||
      first === letters.f
    return mayBe && end - start <= bareBytesMax && bare.test(this.#bytes.toString('latin1', start, end))
  }

  finish(): Buffer {
    const { buffer, byteOffset, byteLength } = this.#sink.written()
    return Buffer.from(buffer, byteOffset, byteLength)
  }
}

function fieldsProblem(count: number, wanted: number): Problem | undefined {
  if (count === wanted) return undefined
  return { reason: 'csv_fields', detail: `the record has ${count} fields, and the line of names ${wanted}` }
}

/** The names as JSON strings with their colons. A column without a name is called by its number. */
function keysOf(reader: CsvReader): Buffer[] {
  const { fields, problem } = reader
  if (problem !== undefined) throw malformed(problem.detail)
  if (fields.length > columnsMax) throw malformed(`it has ${fields.length} names, and ${columnsMax} are allowed`)
  const seen = new Set<string>()
  return fields.map((field, index) => {
    const name = reader.text(field) || `column${index + 1}`
    if (seen.has(name)) throw malformed(`the name ${JSON.stringify(name)} stands in it twice`)
    seen.add(name)
    return Buffer.from(`${JSON.stringify(name)}:`)
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
