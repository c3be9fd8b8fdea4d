import { viewOf } from '../../base/parquet/byte-sink.ts'

export const undecided = -1

/** A key that records have, in one place for all records. */
export interface Key {
  readonly name: string
  /** In UTF-8. */
  readonly bytes: Uint8Array
  readonly view: DataView
  /**
   * Whether the bytes may be compared with those of a record: not where JSON would have to escape them, and not after the
   * key was forgotten.
   */
  isComparable: boolean
  /** Where values of this key go, as the columns count their writers; `undecided` until the first that is not null. */
  target: number
  /** The number of the last record that had the key: a second time in the same record is a duplicate. */
  lastRecord: number
  /** The key that came behind this one the last time. */
  next: Key | undefined
}

/**
 * The keys of all records. Each key remembers which one followed it: the next record mostly has the same order, and one
 * comparison of bytes finds the key without making a string of it.
 */
export class KeyTable {
  readonly #keys: Key[] = []
  readonly #byName = new Map<string, Key>()
  readonly #keysMax: number
  /** Stands before the first key of a record. */
  readonly start: Key = newKey('')

  constructor(keysMax: number) {
    this.#keysMax = keysMax
  }

  get size(): number {
    return this.#keys.length
  }

  /** The key of this name; a new one where there is none yet, and undefined where there are too many. */
  find(name: string): Key | undefined {
    const known = this.#byName.get(name)
    if (known !== undefined || this.#keys.length >= this.#keysMax) return known
    const key = newKey(name)
    this.#keys.push(key)
    this.#byName.set(name, key)
    return key
  }

  /** Forgets the keys that came after the first `size`, as if their record had never been read. */
  forgetAfter(size: number): void {
    while (this.#keys.length > size) {
      const key = this.#keys.pop() as Key
      key.isComparable = false
      this.#byName.delete(key.name)
    }
  }
}

function newKey(name: string): Key {
  const bytes = Buffer.from(name)
  const isComparable = !bytes.some((byte) => byte < 0x20 || byte === 0x22 || byte === 0x5c)
  return { name, bytes, view: viewOf(bytes), isComparable, target: undecided, lastRecord: 0, next: undefined }
}

/** Says whether the key's bytes stand at `start`; four at a time, because every key of every record comes here. */
export function hasKeyAt(bytes: DataView, start: number, key: Key): boolean {
  return hasBytesAt(bytes, start, key.view)
}

export function hasBytesAt(bytes: DataView, start: number, name: DataView): boolean {
  const length = name.byteLength
  if (start + length > bytes.byteLength) return false
  let at = 0
  for (const last = length - 4; at <= last; at += 4) {
    if (bytes.getInt32(start + at, true) !== name.getInt32(at, true)) return false
  }
  for (; at < length; at += 1) if (bytes.getUint8(start + at) !== name.getUint8(at)) return false
  return true
}
