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
    for (;;) {
      const at = scanner.nextComma(chunk, from + Math.max(0, limits.targetBytes - bytes))
      if (at === -1) break
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

/** Finds commas between the elements of the outermost array, over any number of chunks. */
class ElementScanner {
  #depth = 0
  #inArray = false
  #inText = false
  /** Where to go on in the chunk; 1 at the start of one when the chunk before ended with the backslash of an escape. */
  #at = 0

  /** The offset of the next comma from `from` on; -1 when the chunk has none, and the next chunk is to follow. */
  nextComma(chunk: Buffer, from: number): number {
    // Local variables, because fields and getters in a loop over bytes cost several times as much.
    const { byteLength } = chunk
    let depth = this.#depth
    let inText = this.#inText
    let inArray = this.#inArray
    let at = this.#at
    let found = -1
    while (at < byteLength && found === -1) {
      const byte = chunk[at]
      if (inText) {
        if (byte === backslash) at++
        else if (byte === quote) inText = false
      } else if (byte === quote) inText = true
      else if (byte === openBracket || byte === openBrace) {
        if (depth === 0) inArray = byte === openBracket
        depth++
      } else if (byte === closeBracket || byte === closeBrace) depth--
      else if (byte === comma && depth === 1 && inArray && at >= from) found = at
      at++
    }
    this.#depth = depth
    this.#inText = inText
    this.#inArray = inArray
    this.#at = found === -1 ? at - byteLength : at
    return found
  }
}
