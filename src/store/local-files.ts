import { isAppError } from '../base/errors.ts'
import type { LocalObject, ObjectStore } from '../base/objects/objects.ts'
import { damagedFile, withRepairHint } from './damaged-file.ts'
import type { Chunk, Table } from './store.ts'

/** How many objects are fetched at one time where the store is not a directory. */
const fetchesMax = 8

interface LocalFilesOptions {
  readonly objects: ObjectStore
  readonly table: Table
  /** Of the table. */
  readonly chunks: readonly Pick<Chunk, 'id' | 'objectKey' | 'bytes'>[]
  readonly signal: AbortSignal
}

/**
 * Holds local copies of the chunks for as long as `body` runs. Where one turns out to be damaged, the failure names its chunk, and the
 * copies are let go: it may be the copy and not the object, and whoever comes next fetches it anew.
 */
export async function withLocalFiles<T>(
  { objects, table, chunks, signal }: LocalFilesOptions,
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
  } catch (error) {
    if (!isAppError(error, 'object_damaged')) throw error
    for (const { objectKey } of chunks) objects.dropLocal(objectKey)
    const index = local.findIndex((object) => object !== undefined && error.message.includes(object.path))
    const chunk = chunks[index]
    throw chunk === undefined
      ? withRepairHint(error, error.message, [table])
      : damagedFile(table, chunk, error, local[index]?.path)
  } finally {
    for (const object of local) object?.release()
  }
}
