import type { FileHandle } from 'node:fs/promises'
import { constants, link, mkdir, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

import { AppError } from './errors.ts'

/**
 * The disk as an argument: exactly the calls the commit path makes, so that a simulated disk can drop, reorder and tear
 * what was not synced. A full disk is an `AppError` of code `storage_full`; every other failure keeps its `code`.
 */
export interface Disk {
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>
  /** Makes the directory and those above it. */
  makeDirectory(path: string): Promise<void>
  /** The names in a directory, sorted; an absent directory is empty. */
  list(path: string): Promise<string[]>
  size(path: string): Promise<number>
  /** What lies at the path; undefined where nothing does. */
  stat(path: string): Promise<DiskEntry | undefined>
  /** Replaces `to` in one step. Durable only after `syncDirectory` of the directory of `to`. */
  rename(from: string, to: string): Promise<void>
  /** Gives the file at `from` the further name `to`; fails with EEXIST where `to` exists. */
  link(from: string, to: string): Promise<void>
  /** Removes a file; an absent one is no error. */
  remove(path: string): Promise<void>
  /** Removes a directory with everything in it; an absent one is no error. */
  removeDirectory(path: string): Promise<void>
  /** Makes the names in the directory durable. */
  syncDirectory(path: string): Promise<void>
}

export interface DiskEntry {
  readonly kind: 'file' | 'directory'
  readonly bytes: number
  readonly modifiedMs: number
}

export interface DiskFile {
  /** Reads exactly `length` bytes at `offset`, or fewer at the end of the file. They may lie in `room`, if it is given and they fit. */
  read(offset: number, length: number, room?: Buffer): Promise<Buffer>
  /** Writes all of `data` at `offset`. */
  write(data: Uint8Array, offset: number): Promise<void>
  /** Writes all of the buffers, one after the other, at `offset`. */
  writeAll(data: readonly Uint8Array[], offset: number): Promise<void>
  /** As `writeAll`, and these bytes are durable when it resolves. What else was written to the file need not be. */
  writeDurably(data: readonly Uint8Array[], offset: number): Promise<void>
  /** Reserves `length` bytes, so that later writes need no new blocks. */
  allocate(length: number): Promise<void>
  size(): Promise<number>
  /** Makes the contents durable (fdatasync). */
  sync(): Promise<void>
  close(): Promise<void>
}

export const systemDisk: Disk = {
  open: (path, mode) => guarded(async () => new SystemFile(path, await open(path, openFlags[mode], 0o600))),
  async makeDirectory(path) {
    await guarded(() => mkdir(path, { recursive: true, mode: 0o700 }))
  },
  async list(path) {
    try {
      return (await readdir(path)).toSorted()
    } catch (error) {
      if (errno(error) === 'ENOENT') return []
      throw error
    }
  },
  size: async (path) => (await stat(path)).size,
  async stat(path) {
    try {
      const found = await stat(path)
      return { kind: found.isDirectory() ? 'directory' : 'file', bytes: found.size, modifiedMs: found.mtimeMs }
    } catch (error) {
      if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return undefined
      throw error
    }
  },
  rename: (from, to) => guarded(() => rename(from, to)),
  link: (from, to) => guarded(() => link(from, to)),
  async remove(path) {
    try {
      await unlink(path)
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
    }
  },
  async removeDirectory(path) {
    try {
      // Most often there is nothing in it, or nothing at all: to look for what there is takes longer.
      await rmdir(path)
    } catch (error) {
      if (errno(error) !== 'ENOENT') await rm(path, { recursive: true, force: true })
    }
  },
  async syncDirectory(path) {
    const directory = await open(path, constants.O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}

const openFlags = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
}

/**
 * Whether a write through O_DSYNC is as good as one with fdatasync behind it. On Linux it is the same by definition; elsewhere Node's
 * `datasync` does what else the platform needs.
 */
const hasDurableWrites = process.platform === 'linux'

class SystemFile implements DiskFile {
  readonly #path: string
  readonly #handle: FileHandle
  /** The same file once more, for writes that are durable when they return. */
  #durable: Promise<FileHandle | undefined> | undefined
  #isClosed = false

  constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  async read(offset: number, length: number, room?: Buffer): Promise<Buffer> {
    const buffer = room !== undefined && room.byteLength >= length ? room : Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  }

  write(data: Uint8Array, offset: number): Promise<void> {
    return this.writeAll([data], offset)
  }

  writeAll(data: readonly Uint8Array[], offset: number): Promise<void> {
    return writeTo(this.#handle, data, offset)
  }

  /** One call for write and sync: where processes wait for cores, it is the turns of threads that take the time, and not the disk. */
  async writeDurably(data: readonly Uint8Array[], offset: number): Promise<void> {
    const durable = hasDurableWrites ? await this.#durableHandle() : undefined
    if (durable !== undefined) return await writeTo(durable, data, offset)
    await this.writeAll(data, offset)
    await this.sync()
  }

  /** Undefined where it cannot be opened now, as when there are too many open files, or where this file was closed. */
  async #durableHandle(): Promise<FileHandle | undefined> {
    if (this.#isClosed) return undefined
    this.#durable ??= open(this.#path, constants.O_WRONLY | constants.O_DSYNC).catch(() => undefined)
    const handle = await this.#durable
    if (handle === undefined) this.#durable = undefined
    return handle
  }

  async allocate(length: number): Promise<void> {
    // Node has no fallocate. Real zeroes reserve the blocks, which a sparse file would not.
    const zeroes = Buffer.alloc(Math.min(length, 1 << 20))
    for (let offset = 0; offset < length; offset += zeroes.byteLength) {
      await this.write(zeroes.subarray(0, Math.min(zeroes.byteLength, length - offset)), offset)
      // All of it at once would keep every other sync of the disk waiting for as long as it takes.
      if ((offset / zeroes.byteLength) % 4 === 3) await this.sync()
    }
  }

  size = async (): Promise<number> => (await this.#handle.stat()).size
  sync = (): Promise<void> => guarded(() => this.#handle.datasync())

  async close(): Promise<void> {
    this.#isClosed = true
    const durable = this.#durable
    this.#durable = undefined
    await Promise.all([this.#handle.close(), durable?.then((handle) => handle?.close())])
  }
}

async function writeTo(handle: FileHandle, data: readonly Uint8Array[], offset: number): Promise<void> {
  const expected = data.reduce((sum, part) => sum + part.byteLength, 0)
  const { bytesWritten } = await guarded(() => handle.writev([...data], offset))
  if (bytesWritten === expected) return
  // A short write is legal (a signal, a nearly full disk): the rest is written in one piece or fails by itself.
  const rest = Buffer.concat(data).subarray(bytesWritten)
  let written = 0
  while (written < rest.byteLength) {
    const at = offset + bytesWritten + written
    const step = await guarded(() => handle.write(rest, written, rest.byteLength - written, at))
    written += step.bytesWritten
  }
}

/** Writes a whole file durably and at once: nobody ever sees a part of it under its name. */
export async function writeFileAtomically(
  disk: Disk,
  path: string,
  data: Uint8Array,
  temporary: string,
): Promise<void> {
  const file = await disk.open(temporary, 'create')
  try {
    await file.write(data, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, path)
  await disk.syncDirectory(dirname(path))
}

/** The error code of a failed system call, such as `ENOENT`. */
export function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const code = errno(error)
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    throw diskFull(error)
  }
}

/** What a full disk is for everybody, whoever met it: our own calls or DuckDB. */
export function diskFull(cause: unknown): AppError {
  return new AppError('storage_full', 'The disk that holds the data directory is full.', {
    hint: 'Free space on it; Biwa goes on by itself. Nothing that was acknowledged is lost.',
    retryAfterSeconds: 10,
    cause,
  })
}

/** A disk that failed may be well again, as a store of objects may. */
export function diskFailed(cause: unknown): AppError {
  return new AppError('object_store_unavailable', 'The disk that holds the data directory failed.', {
    hint: 'It is tried again. If it goes on, the log of the machine says what is wrong with the disk.',
    cause,
  })
}
