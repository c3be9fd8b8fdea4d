import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { errno } from '../../src/base/disk.ts'

const run = promisify(execFile)

/** A real file system of its own that is easy to fill. */
export interface SmallDisk {
  readonly folder: string
  /** Takes all space but so many bytes. */
  fill(bytesLeft: number): Promise<void>
  /** Gives it back. */
  empty(): Promise<void>
  close(): Promise<void>
}

/** Mounts one in memory, which takes the rights of root; undefined where they are missing. */
export async function openSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'biwa-small-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder])
  } catch {
    await rm(folder, { recursive: true })
    return undefined
  }
  const ballast = join(folder, 'ballast')
  return {
    folder,
    async fill(bytesLeft) {
      const { bavail, bsize } = await statfs(folder)
      const file = await open(ballast, 'a')
      const many = Buffer.alloc(256 * bsize)
      try {
        for (let blocks = bavail - Math.ceil(bytesLeft / bsize); blocks > 0; blocks -= 256) {
          await file.write(many.subarray(0, Math.min(256, blocks) * bsize))
        }
      } catch (error) {
        // Somebody else took the last of it meanwhile: full is full.
        if (errno(error) !== 'ENOSPC') throw error
      } finally {
        await file.close()
      }
    },
    empty: () => rm(ballast, { force: true }),
    async close() {
      await run('umount', ['--lazy', folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
