/** A connection, as far as its bytes are counted. */
export type Holder = object | string

interface Waiter {
  readonly holder: Holder
  readonly bytes: number
  readonly admit: () => void
}

/**
 * Bytes that connections hold: of messages that are not whole yet, and of whole ones until they are durable. A connection that
 * finds no room stops reading, which its sender feels. Where nothing but parts of messages are held, none of them would ever
 * become whole: then one connection after the other goes over the limit, until its message is whole. So there are never more bytes
 * than the limit and one message.
 */
export class HeldBytes {
  readonly #bytesMax: number
  #bytes = 0
  /** Those of messages that are whole: they will go. */
  #wholeBytes = 0
  #waiters: Waiter[] = []
  #favourite: Holder | undefined

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Resolves when there is room for bytes of a message. */
  take(holder: Holder, bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ holder, bytes, admit: resolve })
      this.#admit()
    })
  }

  /** So many of the bytes that were taken are a whole message now. */
  complete(holder: Holder, bytes: number): void {
    this.#wholeBytes += bytes
    if (this.#favourite === holder) this.#favourite = undefined
    this.#admit()
  }

  /** A whole message is durable, or was refused. */
  release(bytes: number): void {
    this.#wholeBytes -= bytes
    this.#bytes -= bytes
    this.#admit()
  }

  /** The connection is gone, and so many bytes of a message with it that was not whole. */
  leave(holder: Holder, bytes: number): void {
    this.#bytes -= bytes
    if (this.#favourite === holder) this.#favourite = undefined
    this.#admit()
  }

  /** Lets those in who came first, and the favourite, wherever it stands. */
  #admit(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) {
      const hasRoom = this.#waiters.length === 0 && this.#bytes + waiter.bytes <= this.#bytesMax
      if (hasRoom || this.#isFavourite(waiter.holder)) {
        this.#bytes += waiter.bytes
        waiter.admit()
      } else this.#waiters.push(waiter)
    }
  }

  #isFavourite(holder: Holder): boolean {
    if (this.#favourite === undefined && this.#wholeBytes === 0) this.#favourite = holder
    return this.#favourite === holder
  }
}
