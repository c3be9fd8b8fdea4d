import { isBlank, tooLarge } from './pieces.ts'
import type { PieceLimits, Pieces } from './pieces.ts'

const lineFeed = 0x0a

/**
 * Cuts text of one record per line behind the first line end that makes a piece large enough. How the content is read
 * does not matter: the same content gives the same pieces.
 */
export async function* linePieces(chunks: AsyncIterable<Buffer>, limits: PieceLimits): Pieces {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let offset = 0
  for await (const chunk of chunks) {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(lineFeed, from + Math.max(0, limits.targetBytes - pendingBytes - 1)) + 1
      if (end === 0) break
      const body = Buffer.concat([...pending, chunk.subarray(from, end)])
      yield { body, offset, records: countLines(body) }
      offset += body.byteLength
      from = end
      pending = []
      pendingBytes = 0
    }
    pending.push(chunk.subarray(from))
    pendingBytes += chunk.byteLength - from
    if (pendingBytes > limits.bytesMax) throw tooLarge('The line', offset, limits)
  }
  const body = Buffer.concat(pending)
  if (!isBlank(body)) yield { body, offset, records: countLines(body) }
}

/** Lines with something in them, as the server counts records. */
function countLines(body: Buffer): number {
  let count = 0
  for (let start = 0; start < body.byteLength;) {
    const found = body.indexOf(lineFeed, start)
    const end = found === -1 ? body.byteLength : found
    if (end > start && !isBlank(body.subarray(start, end))) count++
    start = end + 1
  }
  return count
}
