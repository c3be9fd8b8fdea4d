/** Where buffers take the memory that they grow into. */
export interface Memory {
  /** So many bytes or more, with anything in them. */
  take(bytes: number): ArrayBuffer
}

/** Memory that goes with whoever took it. */
export const freshMemory: Memory = { take: (bytes) => new ArrayBuffer(bytes) }

/** Rooms are of powers of two, so that one fits the next who asks for about as much. */
const leastBytes = 1024

/**
 * Memory that is taken piece by piece, given back at once, and then taken anew. V8 counts the bytes of buffers for the heap that they hang on: megabytes
 * that come and go have it mark all of the heap, again and again, and the system has to make zeros of every page of theirs.
 */
export class KeptMemory implements Memory {
  readonly #keptBytesMax: number
  readonly #free = new Map<number, ArrayBuffer[]>()
  #taken: ArrayBuffer[] = []

  /** What nobody has is kept up to so many bytes. */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax
  }

  take(bytes: number): ArrayBuffer {
    const size = leastBytes * 2 ** Math.max(0, Math.ceil(Math.log2(bytes / leastBytes)))
    const room = this.#free.get(size)?.pop() ?? new ArrayBuffer(size)
    this.#taken.push(room)
    return room
  }

  /** Gives back all that was taken: nothing of it may be held from here on. What was not asked for goes before what was. */
  takeBack(): void {
    const rooms = [...this.#taken, ...[...this.#free.values()].flat()]
    this.#taken = []
    this.#free.clear()
    let left = this.#keptBytesMax
    for (const room of rooms) {
      if (room.byteLength > left) continue
      left -= room.byteLength
      const alike = this.#free.get(room.byteLength)
      if (alike === undefined) this.#free.set(room.byteLength, [room])
      else alike.push(room)
    }
  }
}
