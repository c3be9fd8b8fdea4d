import type { Disk } from '../base/disk.ts'
import { AppError } from '../base/errors.ts'
import { crc32OfFile } from '../base/objects/put-checked.ts'

/** The local file of a chunk, with what the catalog knows of its bytes. */
export interface SummedFile {
  readonly path: string
  /** Null where nobody knows it: of files that others wrote. */
  readonly crc32: number | null
}

/**
 * Fails with `object_damaged` where a file is not, byte by byte, what was put there. DuckDB asks no checksum of a page, and a flipped
 * bit in a plain value is another value. Whoever writes rows anew and has them take the place of their files asks here first: the wrong
 * value would count as right ever after.
 */
export async function requireSound(disk: Disk, files: readonly SummedFile[]): Promise<void> {
  for (const { path, crc32 } of files) {
    if (crc32 === null || (await crc32OfFile(disk, path)) === crc32) continue
    throw new AppError('object_damaged', `The bytes of ${path} are not those that were written there.`)
  }
}
