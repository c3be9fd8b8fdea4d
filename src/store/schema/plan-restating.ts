import type { Chunk, Layer } from '../store.ts'
import type { ChunkGroup } from './changes.ts'

/** Bounds of one task: what an engine process does within a minute, and what is done again where somebody was faster. */
export const restateRules = {
  filesMax: 100,
  bytesMax: 128 * 2 ** 20,
} as const

const hourSeconds = 3600

/** A chunk that is to be written anew. */
export type OldChunk = Pick<
  Chunk,
  'id' | 'objectKey' | 'layer' | 'timeRange' | 'rows' | 'bytes' | 'statistics' | 'schemaVersion' | 'crc32'
>

export interface Restating<C extends OldChunk = OldChunk> extends ChunkGroup<C> {
  readonly layer: Layer
}

/**
 * What becomes one file each: a chunk of the archive by itself, since the sizes and times of those were chosen with care, and the
 * realtime chunks of an hour together. The chunks come in the order of time.
 */
export function planRestating<C extends OldChunk>(groups: readonly ChunkGroup<C>[]): Restating<C>[] {
  return groups.flatMap(({ changes, chunks }) => {
    const archive = chunks.filter(({ layer }) => layer === 'archive').map((chunk) => [chunk])
    const realtime = batches(chunks.filter(({ layer }) => layer === 'realtime'))
    return [
      ...archive.map((of): Restating<C> => ({ changes, chunks: of, layer: 'archive' })),
      ...realtime.map((of): Restating<C> => ({ changes, chunks: of, layer: 'realtime' })),
    ]
  })
}

function batches<C extends OldChunk>(chunks: readonly C[]): C[][] {
  const made: { hour: number; bytes: number; chunks: C[] }[] = []
  for (const chunk of chunks) {
    const hour = Math.floor(chunk.timeRange.from / hourSeconds)
    const last = made.at(-1)
    const fits =
      last !== undefined &&
      last.hour === hour &&
      last.chunks.length < restateRules.filesMax &&
      last.bytes + chunk.bytes <= restateRules.bytesMax
    if (fits) {
      last.chunks.push(chunk)
      last.bytes += chunk.bytes
    } else made.push({ hour, bytes: chunk.bytes, chunks: [chunk] })
  }
  return made.map((batch) => batch.chunks)
}
