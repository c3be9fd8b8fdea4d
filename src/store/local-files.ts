import type { LocalObject, ObjectStore } from '../base/objects/objects.ts'

/** How many objects are fetched at one time where the store is not a directory. */
const fetchesMax = 8

/** Holds local copies of the chunks for as long as `body` runs. */
export async function withLocalFiles<T>(
  objects: ObjectStore,
  chunks: readonly { readonly objectKey: string; readonly bytes: number }[],
  signal: AbortSignal,
  body: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const local: LocalObject[] = []
  const waiting = chunks.map((chunk, index) => ({ chunk, index }))
  const fetchSome = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      signal.throwIfAborted()
      const { objectKey, bytes } = next.chunk
      local[next.index] = await objects.materialize(objectKey, { bytes })
    }
  }
  try {
    const fetches = await Promise.allSettled(Array.from({ length: fetchesMax }, fetchSome))
    for (const fetch of fetches) if (fetch.status === 'rejected') throw fetch.reason
    return await body(local.map(({ path }) => path))
  } finally {
    for (const object of local) object?.release()
  }
}
