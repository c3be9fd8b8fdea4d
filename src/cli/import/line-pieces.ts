import { isBlank, tooLarge } from './pieces.ts'
import type { PieceLimits, Pieces } from './pieces.ts'

const lineFeed = 0x0a

/** Cuts text of one record per line behind line ends. */
export async function* linePieces(chunks: AsyncIterable<Buffer>, limits: PieceLimits): Pieces {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let offset = 0
  for await (const chunk of chunks) {
    pending.push(chunk)
    pendingBytes += chunk.byteLength
    if (pendingBytes < limits.targetBytes) continue
    const end = chunk.lastIndexOf(lineFeed) + 1
    if (end === 0) {
      if (pendingBytes > limits.bytesMax) throw tooLarge('The line', offset, limits)
      continue
    }
    const body = Buffer.concat([...pending.slice(0, -1), chunk.subarray(0, end)])
    yield { body, offset, records: countLines(body) }
    offset += body.byteLength
    pending = [chunk.subarray(end)]
    pendingBytes -= body.byteLength
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
