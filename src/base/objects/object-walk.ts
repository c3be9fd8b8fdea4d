import type { ObjectEntry, ObjectStore } from './objects.ts'

/** A walk over all objects of a prefix in short steps: each goes on where the last one ended, and from the start at the end. */
export class ObjectWalk {
  readonly #objects: ObjectStore
  readonly #prefix: string
  #walk: AsyncIterator<ObjectEntry> | undefined

  constructor(objects: ObjectStore, prefix: string) {
    this.#objects = objects
    this.#prefix = prefix
  }

  /** At most `count` entries; fewer at the end. */
  async next(count: number): Promise<ObjectEntry[]> {
    const walk = (this.#walk ??= this.#objects.list(this.#prefix)[Symbol.asyncIterator]())
    const entries: ObjectEntry[] = []
    try {
      while (entries.length < count) {
        const next = await walk.next()
        if (next.done === true) {
          this.#walk = undefined
          break
        }
        entries.push(next.value)
      }
    } catch (error) {
      // A walk that failed is over; the next call begins a new one.
      this.#walk = undefined
      throw error
    }
    return entries
  }

  async stop(): Promise<void> {
    const walk = this.#walk
    this.#walk = undefined
    await walk?.return?.()
  }
}
