import { tooLarge } from './pieces.ts'
import type { PieceLimits, Pieces } from './pieces.ts'

/** The whole content as one piece, for formats that cannot be cut from outside. */
export async function* wholePiece(chunks: AsyncIterable<Buffer>, limits: PieceLimits): Pieces {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    bytes += chunk.byteLength
    if (bytes > limits.bytesMax) throw tooLarge('The file', 0, limits)
  }
  if (bytes > 0) yield { body: Buffer.concat(parts), offset: 0, records: undefined }
}
