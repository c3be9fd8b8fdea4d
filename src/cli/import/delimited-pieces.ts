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

type Place = 'field start' | 'plain' | 'quoted' | 'quote in quoted'

/** Finds where records end, over any number of chunks. */
class RecordScanner {
  readonly #delimiter: number
  #place: Place = 'field start'
  /** Something of a record was read that has not ended. */
  inRecord = false

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0)
  }

  /** Offsets behind the line feeds that end a record. */
  *recordEnds(chunk: Buffer): Generator<number> {
    for (let at = 0; at < chunk.byteLength; at++) {
      const byte = chunk[at] ?? 0
      const ends = byte === lineFeed && this.#place !== 'quoted'
      this.#place = this.#next(byte)
      this.inRecord = !ends
      if (ends) yield at + 1
    }
  }

  #next(byte: number): Place {
    if (this.#place === 'quoted') return byte === quote ? 'quote in quoted' : 'quoted'
    if (byte === this.#delimiter || byte === lineFeed) return 'field start'
    if (byte !== quote) return 'plain'
    // A second quote is one in the text; a first one opens where a field begins, and is text elsewhere.
    return this.#place === 'plain' ? 'plain' : 'quoted'
  }
}
