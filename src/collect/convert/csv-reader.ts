import { recordBytesMax } from '../limits.ts'

/** Why a record of CSV cannot be read. */
export interface CsvProblem {
  readonly reason: 'csv_syntax' | 'csv_fields'
  readonly detail: string
}

const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** After so many quotes that are never closed the rest of the body is one record: looking for each end costs too much. */
const openQuotesMax = 100

/**
 * Finds the records of comma or tab separated values and their fields (RFC 4180). What is wrong in one record concerns that
 * record alone; the next one is taken to begin on the next line.
 */
export class CsvReader {
  readonly bytes: Buffer
  readonly #delimiter: number
  #at: number
  #openQuotes = 0
  /** How many fields the record has. Of each: where it starts and ends, without its quotes, and whether it had some. */
  count = 0
  readonly starts: number[] = []
  readonly ends: number[] = []
  readonly areQuoted: boolean[] = []
  problem: CsvProblem | undefined
  /** The record's bytes, without the end of its line. */
  start = 0
  end = 0

  constructor(bytes: Buffer, delimiter: number) {
    this.bytes = bytes
    this.#delimiter = delimiter
    this.#at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  }

  /** Reads the next record, or what is wrong with it; false at the end. Blank lines are no records. */
  next(): boolean {
    const { bytes } = this
    while (bytes[this.#at] === lineFeed || bytes[this.#at] === carriageReturn) this.#at += 1
    this.start = this.#at
    this.problem = undefined
    this.count = 0
    if (this.start >= bytes.length) return false
    while (!this.#readField());
    return true
  }

  /** The text of a field of this record. */
  text(field: number): string {
    const text = this.bytes.toString('utf8', this.starts[field], this.ends[field])
    return this.areQuoted[field] === true ? text.replaceAll('""', '"') : text
  }

  /** Reads a field and what ends it; true where the record ends with it. */
  #readField(): boolean {
    const { bytes } = this
    const start = this.#at
    const isQuoted = bytes[start] === quote
    const end = isQuoted ? this.#closingQuote(start + 1) : this.#unquotedEnd(start)
    if (end === -1) return true
    this.starts[this.count] = isQuoted ? start + 1 : start
    this.ends[this.count] = end
    this.areQuoted[this.count] = isQuoted
    this.count += 1
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
    this.#fail('a quoted field is followed by something other than a delimiter')
    return true
  }

  #unquotedEnd(start: number): number {
    const { bytes } = this
    const delimiter = this.#delimiter
    const end = bytes.length
    let at = start
    for (; at < end; at += 1) {
      const found = bytes[at] as number
      if (found === delimiter || found === lineFeed) return at
      if (found === carriageReturn && bytes[at + 1] === lineFeed) return at
    }
    return at
  }

  #closingQuote(start: number): number {
    const { bytes } = this
    for (let at = bytes.indexOf(quote, start); at !== -1 && at - this.start <= recordBytesMax;) {
      if (bytes[at + 1] !== quote) return at
      at = bytes.indexOf(quote, at + 2)
    }
    this.#openQuotes += 1
    this.#fail(`a quote is not closed within ${recordBytesMax} bytes`)
    return -1
  }

  #fail(detail: string): void {
    this.problem = { reason: 'csv_syntax', detail }
    const lineEnd = this.#openQuotes > openQuotesMax ? -1 : this.bytes.indexOf(lineFeed, this.#at)
    this.#endRecord(lineEnd === -1 ? this.bytes.length : lineEnd)
  }

  #endRecord(end: number): void {
    const { bytes } = this
    this.end = end > this.start && bytes[end] === lineFeed && bytes[end - 1] === carriageReturn ? end - 1 : end
    this.#at = end
  }
}
