import { crc32 } from 'node:zlib'

import type { Disk } from '../../base/disk.ts'
import { isAppError } from '../../base/errors.ts'
import type { LocalObject, ObjectStore } from '../../base/objects/objects.ts'
import { crc32OfFile } from '../../base/objects/put-checked.ts'
import type { Chunk } from '../store.ts'
import type { Finding } from './findings.ts'

/** Where a Parquet file ends has to be this, and so has its beginning. */
const magic = 'PAR1'

/** Whether the object of a chunk is, byte by byte, what was put there. Null where it is, as far as its checksum is known. */
export async function checkObject(
  objects: ObjectStore,
  { objectKey, bytes, crc32: sum }: Chunk,
): Promise<Finding | null> {
  const size = await objects.size(objectKey)
  if (size === undefined) return { what: 'missing', detail: 'its object is not in the object store', byte: null }
  if (size !== bytes) {
    return { what: 'size', detail: `its object has ${size} bytes and not ${bytes}`, byte: Math.min(size, bytes) }
  }
  try {
    const { found, head, tail } = await readObject(objects, objectKey, bytes)
    if (head !== magic) return { what: 'unreadable', detail: 'it does not begin as Parquet files do', byte: 0 }
    if (tail !== magic) return { what: 'unreadable', detail: 'it does not end as Parquet files do', byte: bytes - 4 }
    if (sum === null || found === sum) return null
    const shown = [found, sum].map((value) => value.toString(16).padStart(8, '0'))
    return {
      what: 'checksum',
      detail: `its checksum is ${shown[0]} and was ${shown[1]} when it was written`,
      byte: null,
    }
  } catch (error) {
    // It went, or changed its size, while it was read.
    if (isAppError(error, 'object_not_found')) return { what: 'missing', detail: error.message, byte: null }
    if (isAppError(error, 'object_damaged')) return { what: 'size', detail: error.message, byte: null }
    throw error
  }
}

async function readObject(
  objects: ObjectStore,
  key: string,
  bytes: number,
): Promise<{ found: number; head: string; tail: string }> {
  let found = 0
  let head = ''
  let tail = ''
  for await (const block of (await objects.stream(key, undefined, { bytes })) as AsyncIterable<Buffer>) {
    found = crc32(block, found)
    if (head.length < magic.length) head = (head + block.toString('latin1', 0, magic.length)).slice(0, magic.length)
    tail = (tail + block.toString('latin1', Math.max(0, block.byteLength - magic.length))).slice(-magic.length)
  }
  return { found, head, tail }
}

/**
 * A local copy that is as sound as its object, which was checked before. `isFresh` tells that the copy which was there was not,
 * and that it was let go and fetched anew.
 */
export async function soundCopy(
  { objects, disk }: { readonly objects: ObjectStore; readonly disk: Disk },
  { objectKey, bytes, crc32: sum }: Chunk,
): Promise<{ local: LocalObject; isFresh: boolean }> {
  const local = await objects.materialize(objectKey, { bytes })
  if (sum === null || (await crc32OfFile(disk, local.path)) === sum) return { local, isFresh: false }
  local.release()
  objects.dropLocal(objectKey)
  return { local: await objects.materialize(objectKey, { bytes }), isFresh: true }
}
