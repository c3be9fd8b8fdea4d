import type { Socket } from 'node:net'

import type { Clock } from '../../base/clock.ts'

/** Reads a socket piece by piece. Between two calls nothing is read, and the sender feels it when it sends on. */
export class PieceReader {
  readonly #socket: Socket
  readonly #clock: Clock
  #wake = (): void => {}
  #isStopped = false
  #isOver = false

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
    const wake = (): void => this.#wake()
    const over = (): void => {
      this.#isOver = true
      this.#wake()
    }
    socket.on('readable', wake).on('end', over).on('close', over).on('error', over)
  }

  /** Gives no more pieces. */
  stop(): void {
    this.#isStopped = true
    this.#wake()
  }

  /** The next bytes; `silence` where none came for `silenceMsMax`, and `end` where none will come. */
  async next(silenceMsMax: number): Promise<Buffer | 'silence' | 'end'> {
    let isLate = false
    const cancel = this.#clock.schedule(silenceMsMax, () => {
      isLate = true
      this.#wake()
    })
    try {
      for (;;) {
        if (this.#isStopped) return 'end'
        const piece = this.#socket.read() as Buffer | null
        if (piece !== null) return piece
        if (this.#isOver || this.#socket.destroyed) return 'end'
        if (isLate) return 'silence'
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      cancel()
    }
  }
}
