import { crc32 } from 'node:zlib'

import type { Disk } from '../disk.ts'
import { LentBuffers } from '../lent-buffers.ts'
import type { ObjectStore } from './objects.ts'

const stepBytes = 1 << 20

const rooms = new LentBuffers(4 * stepBytes)

/** The CRC-32 (that of zlib) of a file's bytes. */
export async function crc32OfFile(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path, 'read')
  try {
    return await rooms.use(stepBytes, async (room) => {
      let sum = 0
      for (let offset = 0; ; offset += stepBytes) {
        const step = await file.read(offset, stepBytes, room)
        sum = crc32(step, sum)
        if (step.byteLength < stepBytes) return sum
      }
    })
  } finally {
    await file.close()
  }
}

/**
 * Puts a file as `putFile` does, and tells its checksum, by which it is known for ever after. Just written, the file is
 * in memory, and summed at 1 GB/s: 0.25 ms of 20 kB beside a put of 0.56 ms, 60 ms of 64 MB beside one of 40 ms, which
 * is some 2 % of the time in which DuckDB writes such a file.
 */
export async function putChecked(
  { objects, disk }: { readonly objects: ObjectStore; readonly disk: Disk },
  key: string,
  path: string,
): Promise<number> {
  const sum = await crc32OfFile(disk, path)
  await objects.putFile(key, path)
  return sum
}
