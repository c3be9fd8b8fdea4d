import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'

import { errno } from './disk.ts'
import { AppError } from './errors.ts'
import type { HeldLock } from './lock-files.ts'
import { takeLock } from './lock-files.ts'

/** The directory that holds everything of one server, and the lock that keeps a second one away. */
export interface DataDirectory {
  /** Absolute. */
  readonly path: string
  release(): Promise<void>
}

/**
 * Makes the directory where it is absent and locks it for this process. Fails with `startup` when it cannot be written,
 * and when another server holds it. The lock of a server that was killed is taken over.
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const path = resolve(directory)
  const lock = await claim(path)
  if ('release' in lock) return { path, release: () => lock.release() }
  throw new AppError('startup', `The data directory ${path} is already in use by process ${lock.heldBy}.`, {
    hint: 'Stop that Biwa first, or start this one with another --data-dir.',
  })
}

async function claim(path: string): Promise<HeldLock | { readonly heldBy: number }> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    return await takeLock(path, 'biwa')
  } catch (error) {
    const reason = reasons[errno(error) ?? ''] ?? String(error)
    throw new AppError('startup', `The data directory ${path} cannot be written: ${reason}.`, {
      hint: 'Choose another one with --data-dir, or make this one writable for the user that starts Biwa.',
      cause: error,
    })
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
}
