/** Rooms are of whole steps, so that one fits the next who asks. */
const stepBytes = 256 * 1024

/**
 * Memory that is lent for a moment, and then to the next who asks. V8 counts the bytes of buffers for the heap that they hang on: megabytes
 * that come and go have it mark all of the heap, again and again, for garbage that one buffer could have held.
 */
export class LentBuffers {
  readonly #keptBytesMax: number
  #free: Buffer[] = []
  #freeBytes = 0

  /** What is not lent is kept up to so many bytes. */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax
  }

  /** Lends a buffer of so many bytes or more, with anything in them. Nothing of it may be held when the work is done. */
  async use<Result>(bytes: number, work: (room: Buffer) => Promise<Result>): Promise<Result> {
    const room = this.#lend(bytes)
    try {
      return await work(room)
    } finally {
      this.#takeBack(room)
    }
  }

  #lend(bytes: number): Buffer {
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= bytes)
    const [known] = at === -1 ? [] : this.#free.splice(at, 1)
    if (known === undefined) return Buffer.allocUnsafeSlow(Math.ceil(Math.max(bytes, 1) / stepBytes) * stepBytes)
    this.#freeBytes -= known.byteLength
    return known
  }

  /** The smallest stand first, and are the first to go: larger ones fit in their place. */
  #takeBack(room: Buffer): void {
    this.#free = [...this.#free, room].toSorted((a, b) => a.byteLength - b.byteLength)
    this.#freeBytes += room.byteLength
    if (room.byteLength > this.#keptBytesMax) this.#drop(this.#free.indexOf(room))
    while (this.#freeBytes > this.#keptBytesMax) this.#drop(0)
  }

  #drop(at: number): void {
    for (const { byteLength } of this.#free.splice(at, 1)) this.#freeBytes -= byteLength
  }
}
