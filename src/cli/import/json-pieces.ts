import { tooLarge } from './pieces.ts'
import type { PieceLimits, Pieces } from './pieces.ts'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBracket = 0x5b
const openBrace = 0x7b
const closeBracket = 0x5d
const closeBrace = 0x7d

/**
 * Cuts a JSON array between its elements into arrays. Whatever is no array, or no JSON, goes whole: the server has the
 * last word on what it is.
 */
export async function* jsonPieces(chunks: AsyncIterable<Buffer>, limits: PieceLimits): Pieces {
  const scanner = new ElementScanner()
  let parts: Buffer[] = []
  let bytes = 0
  let offset = 0
  for await (const chunk of chunks) {
    let from = 0
    for (const at of scanner.commas(chunk)) {
      if (bytes + at - from < limits.targetBytes) continue
      parts.push(chunk.subarray(from, at))
      bytes += at - from
      yield { body: enclosed(parts, offset, true), offset, records: undefined }
      offset += bytes + 1
      from = at + 1
      parts = []
      bytes = 0
    }
    parts.push(chunk.subarray(from))
    bytes += chunk.byteLength - from
    if (bytes > limits.bytesMax) throw tooLarge('The value', offset, limits)
  }
  if (bytes > 0) yield { body: enclosed(parts, offset, false), offset, records: undefined }
}

/** The elements between brackets; the first piece has the opening one already, the last one the closing. */
function enclosed(parts: readonly Buffer[], offset: number, open: boolean): Buffer {
  return Buffer.concat([...(offset === 0 ? [] : [Buffer.from('[')]), ...parts, ...(open ? [Buffer.from(']')] : [])])
}

/** Finds the commas between the elements of the outermost array. */
class ElementScanner {
  #depth = 0
  #inArray = false
  #inText = false
  #escaped = false;

  *commas(chunk: Buffer): Generator<number> {
    for (let at = 0; at < chunk.byteLength; at++) {
      const byte = chunk[at] ?? 0
      if (this.#inText) this.#stepInText(byte)
      else if (byte === quote) this.#inText = true
      else if (byte === openBracket || byte === openBrace) {
        if (this.#depth === 0) this.#inArray = byte === openBracket
        this.#depth++
      } else if (byte === closeBracket || byte === closeBrace) this.#depth--
      else if (byte === comma && this.#depth === 1 && this.#inArray) yield at
    }
  }

  #stepInText(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === backslash) this.#escaped = true
    else if (byte === quote) this.#inText = false
  }
}
