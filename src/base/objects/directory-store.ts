import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'

import type { Clock } from '../clock.ts'
import type { Disk, DiskFile } from '../disk.ts'
import { errno } from '../disk.ts'
import { AppError, isAppError } from '../errors.ts'
import type { Randomness } from '../randomness.ts'
import { assertKey, assertPrefix } from './object-keys.ts'
import type { ByteRange, LocalObject, ObjectCall, ObjectEntry, ObjectStore } from './objects.ts'
import type { StallWatch } from './stall-checker.ts'

export interface DirectoryStoreOptions {
  /** An absolute path. Several processes may share it. */
  readonly root: string
  readonly disk: Disk
  readonly clock: Clock
  readonly randomness: Randomness
}

/** Files that are being written lie here: on the same disk as the objects, and outside of every key. */
const temporaryFolder = '.tmp'

/** A temporary file that nobody has touched for this long belongs to a process that died. */
const abandonedAfterMs = 24 * 3600 * 1000

const blockBytes = 1 << 20

const seenMax = 100_000

/** A sync of a directory, and the one that those wait for who came after it had begun. */
interface SyncTurn {
  now: Promise<void>
  next: Promise<void> | undefined
}

/** A file of the directory is no copy. */
const release = (): void => {}

/** An object store in a directory: each object is a file at the path of its key. */
export async function openDirectoryStore(options: DirectoryStoreOptions): Promise<ObjectStore> {
  const store = new DirectoryStore(options)
  await store.prepare()
  return store
}

class DirectoryStore implements ObjectStore {
  readonly #root: string
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #randomness: Randomness
  /** Directories that are known to be there, durably. Directories are never removed, so the answer stays right. */
  readonly #durable = new Map<string, Promise<void>>()
  /** Directories with names that may not be durable: the sync that was to make them so has failed, or is under way. */
  readonly #unsettled = new Set<string>()
  /** Syncs of directories that are on their way. */
  readonly #turns = new Map<string, SyncTurn>()

  /** How large objects were when they were looked at. What is under a key never changes, but a file may be lost. */
  readonly #seen = new Map<string, number>()

  constructor({ root, disk, clock, randomness }: DirectoryStoreOptions) {
    this.#root = root
    this.#disk = disk
    this.#clock = clock
    this.#randomness = randomness
  }

  async prepare(): Promise<void> {
    const folder = join(this.#root, temporaryFolder)
    await reported(this.#root, async () => {
      await this.#ensureDirectory(folder)
      for (const name of await this.#disk.list(folder)) {
        const entry = await this.#disk.stat(join(folder, name))
        if (entry === undefined || entry.modifiedMs > this.#clock.nowMs() - abandonedAfterMs) continue
        await this.#disk.remove(join(folder, name))
      }
    })
  }

  put(key: string, body: Uint8Array, { watch }: ObjectCall = {}): Promise<void> {
    this.#seen.delete(key)
    watch?.heard(body.byteLength)
    return reported(key, async () => {
      await this.#publish(key, (file) => file.write(body, 0))
    })
  }

  putFile(key: string, path: string, { watch }: ObjectCall = {}): Promise<void> {
    this.#seen.delete(key)
    return reported(key, async () => {
      const target = await this.#preparedPath(key)
      const file = await this.#disk.open(path, 'write')
      try {
        // All of it may still have to be written, and nothing is heard meanwhile.
        watch?.heard(await file.size())
        await file.sync()
      } finally {
        await file.close()
      }
      try {
        await this.#disk.rename(path, target)
      } catch (error) {
        if (errno(error) !== 'EXDEV') throw error
        await this.#copyIn(key, path, watch)
        return
      }
      await this.#settle(dirname(target))
    })
  }

  /**
   * Makes the names in a directory durable. Those who come while a sync of it is on its way have come too late for that one, and share
   * the next.
   */
  #settle(directory: string): Promise<void> {
    this.#unsettled.add(directory)
    const turn = this.#turns.get(directory)
    if (turn === undefined) return this.#sync(directory)
    turn.next ??= turn.now.catch(() => {}).then(() => this.#sync(directory))
    return turn.next
  }

  #sync(directory: string): Promise<void> {
    const turn: SyncTurn = { now: this.#disk.syncDirectory(directory), next: undefined }
    this.#turns.set(directory, turn)
    turn.now = turn.now
      .then(() => {
        // Whoever waits for the next one has names that this one says nothing of.
        if (turn.next === undefined) this.#unsettled.delete(directory)
      })
      .finally(() => {
        if (turn.next === undefined) this.#turns.delete(directory)
      })
    return turn.now
  }

  /** Takes in a file of another disk, where it cannot just be given a new name. */
  async #copyIn(key: string, path: string, watch: StallWatch | undefined): Promise<void> {
    const source = await this.#disk.open(path, 'read')
    try {
      await this.#publish(key, async (file) => {
        for (let offset = 0; ; offset += blockBytes) {
          const block = await source.read(offset, blockBytes)
          if (block.byteLength === 0) return watch?.heard(offset)
          await file.write(block, offset)
          watch?.heard()
        }
      })
    } finally {
      await source.close()
    }
    await this.#disk.remove(path)
  }

  /** Writes a temporary file, makes it durable, and only then gives it the name under which others find it. */
  async #publish(key: string, write: (file: DiskFile) => Promise<void>): Promise<void> {
    const target = await this.#preparedPath(key)
    const temporary = join(this.#root, temporaryFolder, this.#randomness.bytes(16).toString('hex'))
    const file = await this.#disk.open(temporary, 'create')
    try {
      try {
        await write(file)
        await file.sync()
      } finally {
        await file.close()
      }
      await this.#disk.rename(temporary, target)
    } catch (error) {
      await this.#disk.remove(temporary).catch(() => {})
      throw error
    }
    await this.#settle(dirname(target))
  }

  get(key: string, range?: ByteRange): Promise<Buffer> {
    return reading(key, async () => {
      const file = await this.#disk.open(this.#path(key), 'read')
      try {
        const { from, to } = range ?? { from: 0, to: Infinity }
        // What ends behind the end is shorter. Only to make room for much it has to be known how much there is.
        const end = to - from <= blockBytes ? to : Math.min(to, await file.size())
        return await file.read(from, Math.max(0, end - from))
      } finally {
        await file.close()
      }
    })
  }

  stream(key: string, range?: ByteRange): Promise<Readable> {
    return reading(key, async () => {
      const file = await this.#disk.open(this.#path(key), 'read')
      // Blocks of the size of what is there: a megabyte for each small result has the garbage collected all the time.
      const bytes = await file.size().catch(async (error: unknown) => {
        await file.close()
        throw error
      })
      const blocks = blocksOf(key, file, { from: range?.from ?? 0, to: Math.min(range?.to ?? bytes, bytes) })
      const readable = Readable.from(blocks, { objectMode: false, highWaterMark: blockBytes })
      // Whether somebody reads to the end, stops in the middle or never begins, the stream closes once.
      readable.once('close', () => void file.close().catch(() => {}))
      return readable
    })
  }

  /** Whoever put a file, and was not told that it is there, asks here: what is not durable is not there. */
  size(key: string): Promise<number | undefined> {
    return reported(key, async () => {
      const directory = dirname(this.#path(key))
      if (this.#unsettled.has(directory)) await this.#settle(directory)
      const entry = await this.#disk.stat(this.#path(key))
      return entry?.kind === 'file' ? entry.bytes : undefined
    })
  }

  remove(key: string): Promise<void> {
    this.#seen.delete(key)
    return reported(key, () => this.#disk.remove(this.#path(key)))
  }

  async *list(prefix: string, { after = '' }: { readonly after?: string } = {}): AsyncIterable<ObjectEntry> {
    assertPrefix(prefix)
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    yield* this.#listFolder(folder, prefix, after)
  }

  /** Walks in the order of keys, in which a folder `a/` stands behind a file `a.b`. */
  async *#listFolder(folder: string, prefix: string, after: string): AsyncIterable<ObjectEntry> {
    const entries = await reported(prefix, async () => {
      const names = (await this.#disk.list(join(this.#root, folder))).filter((name) => !name.startsWith('.'))
      const candidates = names.filter((name) => {
        const inside = `${folder}${name}/`
        return inside.startsWith(prefix) && (inside > after || after.startsWith(inside))
      })
      const found = await Promise.all(
        candidates.map(async (name) => ({ name, entry: await this.#disk.stat(join(this.#root, folder, name)) })),
      )
      return found.flatMap(({ name, entry }) => {
        if (entry === undefined) return []
        return [{ key: `${folder}${name}${entry.kind === 'directory' ? '/' : ''}`, entry }]
      })
    })
    for (const { key, entry } of entries.toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
      if (entry.kind === 'directory') yield* this.#listFolder(key, key, after)
      else if (key > after) yield { key, bytes: entry.bytes, modifiedMs: entry.modifiedMs }
    }
  }

  async materialize(key: string, { onceSeen = false }: ObjectCall = {}): Promise<LocalObject> {
    const path = this.#path(key)
    const seen = onceSeen ? this.#seen.get(key) : undefined
    if (seen !== undefined) return { path, bytes: seen, release }
    const bytes = await this.size(key)
    if (bytes === undefined) throw notFound(key)
    if (this.#seen.size >= seenMax) this.#seen.clear()
    this.#seen.set(key, bytes)
    return { path, bytes, release }
  }

  dropLocal(key: string): void {
    this.#seen.delete(key)
  }

  async check(): Promise<void> {
    const key = `check/${this.#randomness.bytes(8).toString('hex')}`
    await this.put(key, Buffer.from('ok'))
    await this.remove(key)
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    assertKey(key)
    return join(this.#root, key)
  }

  async #preparedPath(key: string): Promise<string> {
    const path = this.#path(key)
    await this.#ensureDirectory(dirname(path))
    return path
  }

  /** Makes the directory durable together with those above it: a synced file in a forgotten directory is lost. */
  #ensureDirectory(path: string): Promise<void> {
    const known = this.#durable.get(path)
    if (known !== undefined) return known
    if (this.#durable.size > 10_000) this.#durable.clear()
    const made = this.#makeDirectory(path)
    this.#durable.set(path, made)
    made.catch(() => this.#durable.delete(path))
    return made
  }

  async #makeDirectory(path: string): Promise<void> {
    if (path !== this.#root) await this.#ensureDirectory(dirname(path))
    await this.#disk.makeDirectory(path)
    await this.#disk.syncDirectory(dirname(path))
  }
}

async function* blocksOf(key: string, file: DiskFile, range: ByteRange): AsyncIterable<Buffer> {
  for (let offset = range.from; offset < range.to;) {
    const block = await reading(key, () => file.read(offset, Math.min(blockBytes, range.to - offset)))
    if (block.byteLength === 0) return
    offset += block.byteLength
    yield block
  }
}

function notFound(key: string, cause?: unknown): AppError {
  return new AppError('object_not_found', `The object "${key}" is missing from the object store.`, {
    hint: 'If files were removed from the data directory by hand, bring them back from a backup.',
    cause,
  })
}

/** What a missing file means to a reader. */
async function reading<T>(key: string, call: () => Promise<T>): Promise<T> {
  return await reported(key, async () => {
    try {
      return await call()
    } catch (error) {
      const code = errno(error)
      throw code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' ? notFound(key, error) : error
    }
  })
}

/** Turns what the disk says into the codes that every object store has. */
async function reported<T>(key: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const code = errno(error)
    if (isAppError(error) || code === undefined) throw error
    throw new AppError(
      'object_store_unavailable',
      `The directory of the object store failed with ${code} at "${key}".`,
      {
        hint: 'Check that the data directory is mounted, and writable for the user that runs Biwa.',
        retryAfterSeconds: 10,
        cause: error,
      },
    )
  }
}
