import { Readable } from 'node:stream'

import { AppError } from '../../src/base/errors.ts'
import type { ByteRange, LocalObject, ObjectCall, ObjectEntry, ObjectStore } from '../../src/base/objects/objects.ts'
import type { DiskImage } from '../support/disk-image.ts'
import type { Wire } from './database/connection.ts'
import type { Life, Timeline } from './timeline.ts'
import type { Situations } from './world/situations.ts'

/** What lies in a bucket. */
export interface Bucket {
  readonly objects: Map<string, { readonly body: Buffer; readonly modifiedMs: number }>
}

export interface SimulatedObjectsOptions {
  readonly bucket: Bucket
  readonly timeline: Timeline
  readonly life: Life
  readonly wire: Wire & { isSilent(): boolean }
  /** The disk of the process: objects are files before and after. */
  readonly image: DiskImage
  readonly situations: Situations | undefined
}

/** A driver of an object store that is somewhere else, as one process sees it: it may refuse, fall silent, or lose its answers. */
export function simulatedObjects(options: SimulatedObjectsOptions): ObjectStore {
  const { bucket, timeline, life, wire, image, situations } = options
  let copies = 0

  function exchange<T>(name: string, call: ObjectCall, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const fate = wire.fate()
      if (fate !== 'answered') situations?.note(`the object store leaves a call ${fate}: ${name}`)
      if (fate === 'refused') {
        timeline.after(wire.delayMs(), life, () => reject(failed()), 'own', name)
        return
      }
      const isSilent = wire.isSilent()
      if (isSilent) situations?.note(`the object store falls silent: ${name}`)
      const signal = isSilent ? call.watch?.signal : undefined
      signal?.addEventListener('abort', () => reject(signal.reason as Error))
      const arrive = (): void => {
        let answer: () => void
        try {
          const value = effect()
          answer = () => (fate === 'unheard' ? reject(failed()) : resolve(value))
        } catch (error) {
          answer = () => reject(error)
        }
        if (!isSilent) timeline.after(0, life, answer)
      }
      timeline.after(wire.delayMs(), life, arrive, 'request', name)
    })
  }

  const bodyOf = (key: string): Buffer => {
    const found = bucket.objects.get(key)
    if (found === undefined) throw new AppError('object_not_found', `The object "${key}" is missing.`)
    return found.body
  }
  const keep = (key: string, body: Uint8Array): void =>
    void bucket.objects.set(key, { body: Buffer.from(body), modifiedMs: timeline.nowMs })
  const partOf = (key: string, range: ByteRange | undefined): Buffer =>
    bodyOf(key).subarray(range?.from ?? 0, range?.to ?? Infinity)

  return {
    put: (key, body, call = {}) => exchange('put', call, () => keep(key, body)),
    async putFile(key, path, call = {}) {
      // Read by this process, and gone with it.
      const body = Buffer.from(image.at(path).seen)
      await exchange('putFile', call, () => keep(key, body))
      image.remove(path)
    },
    get: (key, range, call = {}) => exchange('get', call, () => partOf(key, range)),
    stream: (key, range, call = {}) => exchange('stream', call, () => Readable.from([partOf(key, range)])),
    size: (key, call = {}) => exchange('size', call, () => bucket.objects.get(key)?.body.byteLength),
    remove: (key, call = {}) => exchange('remove', call, () => void bucket.objects.delete(key)),
    async *list(prefix, call = {}): AsyncIterable<ObjectEntry> {
      const keys = await exchange('list', call, () => [...bucket.objects.keys()].toSorted())
      for (const key of keys) {
        const found = bucket.objects.get(key)
        if (found === undefined || !key.startsWith(prefix) || key <= (call.after ?? '')) continue
        yield { key, bytes: found.body.byteLength, modifiedMs: found.modifiedMs }
      }
    },
    async materialize(key, call = {}): Promise<LocalObject> {
      const body = await exchange('materialize', call, () => bodyOf(key))
      const path = `/cache/${life.name}/${copies++}`
      image.write(image.open(path, 'create'), Buffer.from(body), 0)
      return { path, release: () => image.remove(path) }
    },
    dropLocal: () => {},
    check: async () => {},
    close: async () => {},
  }
}

function failed(): AppError {
  return new AppError('object_store_unavailable', 'The simulated object store failed.')
}
