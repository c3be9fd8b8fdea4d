import type { Disk, DiskEntry, DiskFile } from '../../src/base/disk.ts'
import { AppError } from '../../src/base/errors.ts'

interface Write {
  readonly offset: number
  readonly data: Buffer
}

/** A file: what a reader sees now, what a crash surely leaves, and what it may leave or not. */
export interface FileImage {
  seen: Buffer
  durable: Buffer
  unsynced: Write[]
  modifiedMs: number
  /** Another one whenever what a reader sees has changed; no two files of a disk have the same. */
  version: number
}

/** What a disk writes in one piece. Real ones write more at a time; with less, small frames are torn, too. */
const sectorBytes = 64

/**
 * What lies on a disk that behaves as badly as the rules allow. When the power is cut, each write that was not synced is
 * kept, lost, or kept in some of its sectors; a name that was made, moved or removed since its directory was synced is as
 * before or as after. Directories by themselves are never lost. Everything follows from `random`, which answers numbers in
 * [0, 1). Nothing here waits: `diskOver` says when a call has its effect.
 */
export class DiskImage {
  readonly #random: () => number
  readonly #nowMs: () => number
  /** By path: what is there now, and what was there when the directory was last synced. */
  #names = new Map<string, FileImage>()
  #durableNames = new Map<string, FileImage>()
  #bytesMax = Infinity
  #failing: Error | undefined
  #versions = 0

  constructor(random: () => number, nowMs: () => number = () => 0) {
    this.#random = random
    this.#nowMs = nowMs
  }

  /** Nothing lies there any more, and nothing did. */
  clear(): void {
    this.#names.clear()
    this.#durableNames.clear()
  }

  /** From now on files together may have so many bytes. */
  limitBytes(bytesMax: number): void {
    this.#bytesMax = bytesMax
  }

  /** From now on every write and sync fails; undefined ends it. */
  fail(error: Error | undefined): void {
    this.#failing = error
  }

  /** Changes a byte behind everybody's back. */
  flip(path: string, offset: number): void {
    const file = this.at(path)
    for (const bytes of [file.seen, file.durable]) bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x55, offset)
    file.version = ++this.#versions
  }

  /** What a reader sees at the path; undefined where nothing is. */
  peek(path: string): Pick<FileImage, 'seen' | 'version'> | undefined {
    return this.#names.get(path)
  }

  /** Decides what a crash leaves of all that was not synced. */
  losePower(): void {
    const names = new Map<string, FileImage>()
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const [now, before] = [this.#names.get(path), this.#durableNames.get(path)]
      const file = now === before || this.#random() < 0.5 ? now : before
      if (file !== undefined) names.set(path, file)
    }
    for (const file of new Set([...this.#names.values(), ...this.#durableNames.values()])) this.#loseWrites(file)
    this.#names = names
    this.#durableNames = new Map(names)
  }

  #loseWrites(file: FileImage): void {
    let bytes = file.durable
    for (const { offset, data } of file.unsynced) {
      const fate = this.#random()
      if (fate < 0.35) continue
      for (let at = 0; at < data.byteLength;) {
        const end = Math.min(data.byteLength, at + sectorBytes - ((offset + at) % sectorBytes))
        if (fate < 0.7 || this.#random() < 0.5) bytes = overwritten(bytes, data.subarray(at, end), offset + at)
        at = end
      }
    }
    file.unsynced = []
    file.durable = bytes
    file.seen = Buffer.from(bytes)
    file.version = ++this.#versions
  }

  open(path: string, mode: 'read' | 'write' | 'create'): FileImage {
    const known = this.#names.get(path)
    if (mode === 'create' && known !== undefined) throw systemError('EEXIST', path)
    if (mode !== 'create' && known === undefined) throw systemError('ENOENT', path)
    const file = known ?? {
      seen: Buffer.alloc(0),
      durable: Buffer.alloc(0),
      unsynced: [],
      modifiedMs: this.#nowMs(),
      version: ++this.#versions,
    }
    this.#names.set(path, file)
    return file
  }

  /** The names right below the path, of files and of directories. */
  list(path: string): string[] {
    const below = new Set<string>()
    const inside = `${path}/`
    for (const name of this.#names.keys()) {
      if (!name.startsWith(inside)) continue
      const end = name.indexOf('/', inside.length)
      below.add(name.slice(inside.length, end === -1 ? undefined : end))
    }
    return [...below].toSorted()
  }

  stat(path: string): DiskEntry | undefined {
    const file = this.#names.get(path)
    if (file !== undefined) return { kind: 'file', bytes: file.seen.byteLength, modifiedMs: file.modifiedMs }
    const inside = `${path}/`
    for (const name of this.#names.keys()) {
      if (name.startsWith(inside)) return { kind: 'directory', bytes: 0, modifiedMs: 0 }
    }
    return undefined
  }

  rename(from: string, to: string): void {
    this.#names.set(to, this.at(from))
    this.#names.delete(from)
  }

  link(from: string, to: string): void {
    if (this.#names.has(to)) throw systemError('EEXIST', to)
    this.#names.set(to, this.at(from))
  }

  remove(path: string): void {
    this.#names.delete(path)
  }

  removeDirectory(path: string): void {
    const inside = `${path}/`
    for (const name of this.#names.keys()) if (name.startsWith(inside)) this.#names.delete(name)
  }

  syncDirectory(path: string): void {
    if (this.#failing !== undefined) throw this.#failing
    const inside = `${path}/`
    for (const name of this.#durableNames.keys()) if (isIn(inside, name)) this.#durableNames.delete(name)
    for (const [name, file] of this.#names) if (isIn(inside, name)) this.#durableNames.set(name, file)
  }

  /** `data` is this write's own. */
  write(file: FileImage, data: Buffer, offset: number): Write {
    this.#requireRoom(file, offset + data.byteLength)
    const write = { offset, data }
    file.unsynced.push(write)
    file.seen = overwritten(file.seen, data, offset)
    file.modifiedMs = this.#nowMs()
    file.version = ++this.#versions
    return write
  }

  /** Makes the writes durable that a sync covers: those that were done when it began. */
  settle(file: FileImage, covered: readonly Write[]): void {
    if (this.#failing !== undefined) throw this.#failing
    for (const { offset, data } of covered) file.durable = overwritten(file.durable, data, offset)
    file.unsynced = file.unsynced.filter((write) => !covered.includes(write))
  }

  /** Makes one write durable, and none of those before it; but none of them comes to the disk after it, where they share bytes. */
  settleAlone(file: FileImage, write: Write): void {
    // Another sync may have settled it meanwhile, and newer bytes besides.
    if (!file.unsynced.includes(write)) return
    const before = file.unsynced.slice(0, file.unsynced.indexOf(write))
    this.settle(file, [write])
    for (const { offset, data } of before) {
      const [from, to] = [Math.max(offset, write.offset), Math.min(endOf({ offset, data }), endOf(write))]
      if (from < to) data.set(write.data.subarray(from - write.offset, to - write.offset), from - offset)
    }
  }

  at(path: string): FileImage {
    const file = this.#names.get(path)
    if (file === undefined) throw systemError('ENOENT', path)
    return file
  }

  #requireRoom(file: FileImage, bytes: number): void {
    if (this.#failing !== undefined) throw this.#failing
    if (this.#bytesMax === Infinity) return
    const used = [...new Set(this.#names.values())].reduce((sum, { seen }) => sum + seen.byteLength, 0)
    if (used + Math.max(0, bytes - file.seen.byteLength) <= this.#bytesMax) return
    throw new AppError('storage_full', 'The simulated disk is full.')
  }
}

export type DiskCall = Exclude<keyof Disk | keyof DiskFile, 'close'>

/** Waits for the moment at which a call has its effect, or fails. */
export type Turn = (call: DiskCall) => Promise<void>

/** A disk on which every call has its effect when its turn comes. `turnOfFile` is asked once for each file that is opened. */
export function diskOver(image: DiskImage, turn: Turn, turnOfFile: () => Turn = () => turn): Disk {
  const after = async <T>(call: DiskCall, effect: () => T): Promise<T> => {
    await turn(call)
    return effect()
  }
  return {
    open: (path, mode) => after('open', () => fileOver(image, image.open(path, mode), turnOfFile())),
    makeDirectory: () => turn('makeDirectory'),
    list: (path) => after('list', () => image.list(path)),
    size: (path) => after('size', () => image.at(path).seen.byteLength),
    stat: (path) => after('stat', () => image.stat(path)),
    rename: (from, to) => after('rename', () => image.rename(from, to)),
    link: (from, to) => after('link', () => image.link(from, to)),
    remove: (path) => after('remove', () => image.remove(path)),
    removeDirectory: (path) => after('removeDirectory', () => image.removeDirectory(path)),
    syncDirectory: (path) => after('syncDirectory', () => image.syncDirectory(path)),
  }
}

function fileOver(image: DiskImage, file: FileImage, turn: Turn): DiskFile {
  const writeAll = async (data: readonly Uint8Array[], offset: number): Promise<Write> => {
    const [only] = data
    const joined = data.length === 1 && only !== undefined ? Buffer.from(only) : Buffer.concat(data)
    await turn('write')
    return image.write(file, joined, offset)
  }
  const sync = async (): Promise<void> => {
    // What is written while the sync is under way is not covered by it.
    const covered = [...file.unsynced]
    await turn('sync')
    await turn('sync')
    image.settle(file, covered)
  }
  return {
    async read(offset, length, room) {
      await turn('read')
      const bytes = file.seen.subarray(offset, offset + length)
      if (room === undefined || room.byteLength < length) return Buffer.from(bytes)
      bytes.copy(room)
      return room.subarray(0, bytes.byteLength)
    },
    write: async (data, offset) => void (await writeAll([data], offset)),
    writeAll: async (data, offset) => void (await writeAll(data, offset)),
    async writeDurably(data, offset) {
      const write = await writeAll(data, offset)
      await turn('sync')
      await turn('sync')
      image.settleAlone(file, write)
    },
    allocate: async (length) => void (await writeAll([Buffer.alloc(length)], 0)),
    async size() {
      await turn('size')
      return file.seen.byteLength
    },
    sync,
    close: async () => {},
  }
}

/** Whether the name is one right below the directory, which is given with a slash at its end. */
function isIn(directory: string, name: string): boolean {
  return name.startsWith(directory) && !name.includes('/', directory.length)
}

function endOf({ offset, data }: Write): number {
  return offset + data.byteLength
}

/** The bytes with the data in them: the same buffer, where it has room. */
function overwritten(bytes: Buffer, data: Uint8Array, offset: number): Buffer {
  if (offset + data.byteLength <= bytes.byteLength) {
    bytes.set(data, offset)
    return bytes
  }
  const grown = Buffer.alloc(offset + data.byteLength)
  bytes.copy(grown)
  grown.set(data, offset)
  return grown
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
