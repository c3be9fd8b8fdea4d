import type { Disk, DiskEntry, DiskFile } from '../../src/base/disk.ts'
import { AppError } from '../../src/base/errors.ts'

/** What every call answers once the power is gone. */
export class PowerCut extends Error {}

interface Write {
  readonly offset: number
  readonly data: Buffer
}

/** A file: what a reader sees now, what a crash surely leaves, and what it may leave or not. */
interface Node {
  seen: Buffer
  durable: Buffer
  unsynced: Write[]
}

/** The sizes of what a disk writes in one piece. */
const sectorBytes = 512

/**
 * A disk in memory that behaves as badly as the rules allow. When the power is cut, each write that was not synced is
 * kept, lost, or kept in some of its sectors; a name that was made, moved or removed since its directory was synced is
 * as before or as after. Everything follows from `random`, which answers numbers in [0, 1).
 */
export class SimulatedDisk implements Disk {
  readonly #random: () => number
  /** By path: what is there now, and what was there when the directory was last synced. */
  #names = new Map<string, Node>()
  #durableNames = new Map<string, Node>()
  #power = { on: true }
  #calls = 0
  #cutAt = Infinity
  #bytesMax = Infinity
  #failing: Error | undefined

  constructor(random: () => number) {
    this.#random = random
  }

  /** How many calls there were since the power came. */
  get calls(): number {
    return this.#calls
  }

  /** Cuts the power at the call of this number. */
  cutPowerAt(call: number): void {
    this.#cutAt = call
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
    const node = this.#names.get(path)
    if (node === undefined) throw new Error(`there is no ${path}`)
    for (const bytes of [node.seen, node.durable]) bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x55, offset)
  }

  /** Takes the power away where it is still on, decides what is left, and gives it back. */
  restart(): void {
    this.#power.on = false
    this.#power = { on: true }
    this.#calls = 0
    this.#cutAt = Infinity
    const names = new Map<string, Node>()
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const [now, before] = [this.#names.get(path), this.#durableNames.get(path)]
      const node = now === before || this.#random() < 0.5 ? now : before
      if (node !== undefined) names.set(path, node)
    }
    for (const node of new Set([...this.#names.values(), ...this.#durableNames.values()])) this.#loseWrites(node)
    this.#names = names
    this.#durableNames = new Map(names)
  }

  #loseWrites(node: Node): void {
    let bytes = node.durable
    for (const { offset, data } of node.unsynced) {
      const fate = this.#random()
      if (fate < 0.35) continue
      for (let at = 0; at < data.byteLength;) {
        const end = Math.min(data.byteLength, at + sectorBytes - ((offset + at) % sectorBytes))
        if (fate < 0.7 || this.#random() < 0.5) bytes = overwritten(bytes, data.subarray(at, end), offset + at)
        at = end
      }
    }
    node.unsynced = []
    node.durable = bytes
    node.seen = Buffer.from(bytes)
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    await this.#call()
    const known = this.#names.get(path)
    if (mode === 'create' && known !== undefined) throw systemError('EEXIST', path)
    if (mode !== 'create' && known === undefined) throw systemError('ENOENT', path)
    const node = known ?? { seen: Buffer.alloc(0), durable: Buffer.alloc(0), unsynced: [] }
    this.#names.set(path, node)
    return this.#fileOf(node)
  }

  async makeDirectory(): Promise<void> {
    await this.#call()
  }

  async list(path: string): Promise<string[]> {
    await this.#call()
    const below = [...this.#names.keys()].filter((name) => name.startsWith(`${path}/`))
    return below.map((name) => name.slice(path.length + 1)).toSorted()
  }

  async size(path: string): Promise<number> {
    return (await this.stat(path))?.bytes ?? Promise.reject(systemError('ENOENT', path))
  }

  async stat(path: string): Promise<DiskEntry | undefined> {
    await this.#call()
    const node = this.#names.get(path)
    return node && { kind: 'file', bytes: node.seen.byteLength, modifiedMs: 0 }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call()
    this.#names.set(to, this.#nodeAt(from))
    this.#names.delete(from)
  }

  async link(from: string, to: string): Promise<void> {
    await this.#call()
    if (this.#names.has(to)) throw systemError('EEXIST', to)
    this.#names.set(to, this.#nodeAt(from))
  }

  async remove(path: string): Promise<void> {
    await this.#call()
    this.#names.delete(path)
  }

  async removeDirectory(path: string): Promise<void> {
    for (const name of await this.list(path)) this.#names.delete(`${path}/${name}`)
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#call()
    if (this.#failing !== undefined) throw this.#failing
    for (const name of this.#durableNames.keys()) if (name.startsWith(`${path}/`)) this.#durableNames.delete(name)
    for (const [name, node] of this.#names) if (name.startsWith(`${path}/`)) this.#durableNames.set(name, node)
  }

  #fileOf(node: Node): DiskFile {
    const power = this.#power
    const call = (): Promise<void> => this.#call(power)
    const writeAll = async (data: readonly Uint8Array[], offset: number): Promise<void> => {
      const joined = Buffer.concat(data)
      await call()
      this.#requireRoom(node, offset + joined.byteLength)
      node.unsynced.push({ offset, data: joined })
      node.seen = overwritten(node.seen, joined, offset)
    }
    return {
      async read(offset, length) {
        await call()
        return Buffer.from(node.seen.subarray(offset, offset + length))
      },
      write: (data, offset) => writeAll([data], offset),
      writeAll,
      allocate: (length) => writeAll([Buffer.alloc(length)], 0),
      async size() {
        await call()
        return node.seen.byteLength
      },
      sync: async () => {
        // What is written while the sync is under way is not covered by it.
        const covered = [...node.unsynced]
        await call()
        await call()
        if (this.#failing !== undefined) throw this.#failing
        for (const { offset, data } of covered) node.durable = overwritten(node.durable, data, offset)
        node.unsynced = node.unsynced.filter((write) => !covered.includes(write))
      },
      close: async () => {},
    }
  }

  #nodeAt(path: string): Node {
    const node = this.#names.get(path)
    if (node === undefined) throw systemError('ENOENT', path)
    return node
  }

  #requireRoom(node: Node, bytes: number): void {
    if (this.#failing !== undefined) throw this.#failing
    const used = [...new Set(this.#names.values())].reduce((sum, { seen }) => sum + seen.byteLength, 0)
    if (used + Math.max(0, bytes - node.seen.byteLength) <= this.#bytesMax) return
    throw new AppError('storage_full', 'The simulated disk is full.')
  }

  /** Every call takes a turn of the event loop, or several, so that those under way overtake each other. */
  async #call(power: { readonly on: boolean } = this.#power): Promise<void> {
    for (let turns = Math.floor(this.#random() * 3); turns >= 0; turns -= 1) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#calls += 1
    if (this.#calls >= this.#cutAt) this.#power.on = false
    if (!power.on || !this.#power.on) throw new PowerCut('the power is gone')
  }
}

function overwritten(bytes: Buffer, data: Uint8Array, offset: number): Buffer {
  const end = offset + data.byteLength
  const grown =
    end > bytes.byteLength ? Buffer.concat([bytes, Buffer.alloc(end - bytes.byteLength)]) : Buffer.from(bytes)
  grown.set(data, offset)
  return grown
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
