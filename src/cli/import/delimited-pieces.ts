import { isBlank, tooLarge } from './pieces.ts'
import type { PieceLimits, Pieces } from './pieces.ts'

/**
 * Cuts CSV or TSV behind records and puts the header before each piece. A line end inside quotes belongs to its field; a
 * quote counts only where a field begins (RFC 4180 §2), so that 5" in the middle of one is plain text.
 */
export async function* delimitedPieces(
  chunks: AsyncIterable<Buffer>,
  delimiter: ',' | '\t',
  limits: PieceLimits,
): Pieces {
  const scanner = new RecordScanner(delimiter)
  let header: Buffer | undefined
  let pending = new Pending()
  for await (const chunk of chunks) {
    let from = 0
    for (const end of scanner.recordEnds(chunk)) {
      if (header !== undefined) pending.records++
      const isHeader = header === undefined
      if (!isHeader && pending.bytes + end - from < limits.targetBytes) continue
      pending.add(chunk.subarray(from, end))
      from = end
      if (header === undefined) header = Buffer.concat(pending.parts)
      else yield pending.piece(header)
      pending = new Pending(pending.offset + pending.bytes)
    }
    pending.add(chunk.subarray(from))
    if (pending.bytes > limits.bytesMax) throw tooLarge('The record', pending.offset, limits)
  }
  if (scanner.inRecord) pending.records++
  const rest = pending.piece(header ?? Buffer.alloc(0))
  if (!isBlank(rest.body.subarray(header?.byteLength ?? 0))) yield rest
}

/** What was read and not sent yet. */
class Pending {
  readonly offset: number
  readonly parts: Buffer[] = []
  bytes = 0
  records = 0

  constructor(offset = 0) {
    this.offset = offset
  }

  add(part: Buffer): void {
    this.parts.push(part)
    this.bytes += part.byteLength
  }

  piece(header: Buffer) {
    return { body: Buffer.concat([header, ...this.parts]), offset: this.offset, records: this.records }
  }
}

const quote = 0x22
const lineFeed = 0x0a

/** Where the reading stands when a chunk ends. */
type Place = 'plain' | 'quoted' | 'behind a quote in quotes'

/**
 * Finds where records end, over any number of chunks. Line ends and quotes are looked for by themselves, which is more than
 * ten times as fast as a look at each byte (measured: 13 MB/s before).
 */
class RecordScanner {
  readonly #delimiter: number
  #place: Place = 'plain'
  /** The last byte of the chunk before; the content begins as a line does. */
  #previous = lineFeed
  /** Something of a record was read that has not ended. */
  inRecord = false

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0)
  }

  /** Offsets behind the line feeds that end a record. */
  *recordEnds(chunk: Buffer): Generator<number> {
    const nextLineFeed = finder(chunk, lineFeed)
    const nextQuote = finder(chunk, quote)
    let end = 0
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#place === 'behind a quote in quotes') {
        // Two quotes are one in the text; a single one was the end of it.
        const doubled = chunk[at] === quote
        this.#place = doubled ? 'quoted' : 'plain'
        if (doubled) at++
      } else if (this.#place === 'quoted') {
        at = nextQuote(at) + 1
        if (at <= chunk.byteLength) this.#place = 'behind a quote in quotes'
      } else if (nextQuote(at) < nextLineFeed(at)) {
        at = nextQuote(at) + 1
        if (this.#beginsField(chunk, at - 1)) this.#place = 'quoted'
      } else {
        at = nextLineFeed(at) + 1
        if (at > chunk.byteLength) break
        end = at
        yield end
      }
    }
    if (chunk.byteLength === 0) return
    this.inRecord = end !== chunk.byteLength
    this.#previous = chunk[chunk.byteLength - 1] ?? lineFeed
  }

  #beginsField(chunk: Buffer, at: number): boolean {
    const before = at === 0 ? this.#previous : chunk[at - 1]
    return before === this.#delimiter || before === lineFeed
  }
}

/** The offset of the next such byte from `at` on, the length of the chunk where there is none. Asked in rising order. */
function finder(chunk: Buffer, byte: number): (at: number) => number {
  let found = -1
  return (at) => {
    if (found < at) {
      const next = chunk.indexOf(byte, at)
      found = next === -1 ? chunk.byteLength : next
    }
    return found
  }
}
