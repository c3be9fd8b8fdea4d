import { createHash } from 'node:crypto'
import { join } from 'node:path'

import type { Disk } from '../disk.ts'
import { errno } from '../disk.ts'
import { isAlive } from '../process-table.ts'
import type { Randomness } from '../randomness.ts'
import type { LocalObject, ObjectCall } from './objects.ts'
import type { StallWatch } from './stall-checker.ts'

export interface LocalCacheOptions {
  /** Several processes of one machine may share it: each has a folder of its own inside. */
  readonly directory: string
  /** The cache outgrows it only by what is held. */
  readonly bytesMax: number
  readonly disk: Disk
  readonly randomness: Randomness
}

interface Entry {
  readonly path: string
  readonly bytes: number
  holders: number
  /** Replaced or removed in the store: the file goes as soon as nobody holds it. */
  outdated: boolean
}

interface Loading {
  readonly entry: Promise<Entry>
  waiters: number
  /** Of all who wait: the bytes that come for one come for all. */
  readonly watches: StallWatch[]
}

/** Makes the file of a copy. */
type Load = (path: string, watch: StallWatch | undefined) => Promise<void>

/**
 * Local copies of objects that lie far away. A copy that somebody holds stays; of the others the longest unused go
 * first. Copies are worth nothing after the process: none is synced, and none is trusted by the next process.
 */
export class LocalCache {
  readonly #folder: string
  readonly #bytesMax: number
  readonly #disk: Disk
  readonly #randomness: Randomness
  /** By key, the longest unused first. */
  readonly #entries = new Map<string, Entry>()
  readonly #loading = new Map<string, Loading>()
  #bytes = 0

  private constructor(folder: string, { bytesMax, disk, randomness }: LocalCacheOptions) {
    this.#folder = folder
    this.#bytesMax = bytesMax
    this.#disk = disk
    this.#randomness = randomness
  }

  static async open(options: LocalCacheOptions): Promise<LocalCache> {
    const { directory, disk, randomness } = options
    await removeLeftovers(directory, disk)
    const folder = join(directory, `${process.pid}-${randomness.bytes(8).toString('hex')}`)
    await disk.makeDirectory(folder)
    return new LocalCache(folder, options)
  }

  /** Bytes of all copies that the cache would still hand out. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Gives a copy, for which `load` makes the file where there is none. Several who ask at once share one load. A copy that
   * is not as large as the caller knows the object to be is never kept.
   */
  async hold(key: string, load: Load, { bytes, watch }: ObjectCall = {}): Promise<LocalObject> {
    const known = this.#entries.get(key)
    if (known !== undefined && bytes !== undefined && known.bytes !== bytes) this.forget(key)
    else if (known !== undefined) {
      known.holders += 1
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return this.#holdOn(known)
    }
    const loading = this.#loading.get(key) ?? this.#beginLoad(key, load)
    loading.waiters += 1
    if (watch !== undefined) loading.watches.push(watch)
    const entry = await loading.entry
    if (bytes !== undefined && entry.bytes !== bytes) this.forget(key)
    return this.#holdOn(entry)
  }

  /** Takes a local file over as the copy of an object; one that cannot be had at no cost (another disk) is removed. */
  async adopt(key: string, file: string): Promise<void> {
    const path = this.#newPath(key)
    try {
      const bytes = await this.#disk.size(file)
      await this.#disk.rename(file, path)
      this.forget(key)
      this.#keep(key, { path, bytes, holders: 0, outdated: false })
      this.#evict()
    } catch (error) {
      if (errno(error) === undefined) throw error
      this.forget(key)
      await this.#disk.remove(file)
    }
  }

  /** The object changed: no later `hold` gets the copy there is, nor one that is being loaded. */
  forget(key: string): void {
    this.#loading.delete(key)
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
    entry.outdated = true
    this.#removeUnlessHeld(entry)
  }

  async close(): Promise<void> {
    this.#entries.clear()
    await this.#disk.removeDirectory(this.#folder)
  }

  #beginLoad(key: string, load: Load): Loading {
    const loading: Loading = { entry: this.#load(key, load, () => loading), waiters: 0, watches: [] }
    this.#loading.set(key, loading)
    return loading
  }

  async #load(key: string, load: Load, self: () => Loading): Promise<Entry> {
    const path = this.#newPath(key)
    // Whoever asks registers first.
    await Promise.resolve()
    const { watches } = self()
    const first = watches[0]
    const heard = (bytes?: number): void => watches.forEach((watch) => watch.heard(bytes))
    try {
      await load(path, first && { signal: first.signal, heard })
      const bytes = await this.#disk.size(path)
      const outdated = this.#loading.get(key) !== self()
      // Whoever waits holds the entry from its first moment on, before anything can evict it.
      const entry: Entry = { path, bytes, holders: self().waiters, outdated }
      if (!outdated) this.#keep(key, entry)
      this.#evict()
      return entry
    } catch (error) {
      await this.#disk.remove(path).catch(() => {})
      throw error
    } finally {
      if (this.#loading.get(key) === self()) this.#loading.delete(key)
    }
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    this.#bytes += entry.bytes
  }

  #holdOn(entry: Entry): LocalObject {
    let held = true
    return {
      path: entry.path,
      release: () => {
        if (!held) return
        held = false
        entry.holders -= 1
        if (entry.outdated) this.#removeUnlessHeld(entry)
        else this.#evict()
      },
    }
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) return
      if (entry.holders === 0) this.forget(key)
    }
  }

  #removeUnlessHeld(entry: Entry): void {
    // A file that stays behind costs space until the process ends, and nothing else.
    if (entry.holders === 0) void this.#disk.remove(entry.path).catch(() => {})
  }

  /** Different for each copy, so that an old one can still be read while the new one is written. */
  #newPath(key: string): string {
    const name = createHash('sha256').update(key).digest('hex')
    return join(this.#folder, `${name}-${this.#randomness.bytes(8).toString('hex')}`)
  }
}

/** Removes the folders of processes that were killed before they could do it. */
async function removeLeftovers(directory: string, disk: Disk): Promise<void> {
  for (const name of await disk.list(directory)) {
    const pid = /^(\d+)-[0-9a-f]{16}$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) await disk.removeDirectory(join(directory, name))
  }
}
