import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { decodeMulti } from '@msgpack/msgpack'

import { entry, eventTime, fluentdMessage } from '../../src/protocols/fluent/testing/wire.ts'

export const rowsPerChunk = 20

/** Sends chunks until it is told to stop, several at a time, and each again until it is acknowledged, as Fluentd does. */
export class ForwardSender {
  readonly acknowledged = new Set<string>()
  readonly open = new Map<string, Buffer>()
  /** Chunks that were sent more than once. */
  readonly repeated = new Set<string>()
  /** How often it was connected. */
  connections = 0
  readonly #port: number
  readonly #tag: string
  readonly #name: string
  readonly #pauseMs: number
  #next = 0

  constructor(port: number, tag: string, name: string, pauseMs = 5) {
    this.#port = port
    this.#tag = tag
    this.#name = name
    this.#pauseMs = pauseMs
  }

  /** Until all is acknowledged that was begun when it was told to stop, or nobody waits for that any more. */
  async run(stop: AbortSignal, giveUp?: AbortSignal): Promise<void> {
    const isOver = (): boolean => giveUp?.aborted === true || (stop.aborted && this.open.size === 0)
    while (!isOver()) {
      const socket = connect(this.#port, '127.0.0.1')
      socket.on('error', () => {})
      const closed = once(socket, 'close').catch(() => {})
      await Promise.race([once(socket, 'connect').catch(() => {}), closed])
      if (!socket.destroyed) {
        this.connections += 1
        await this.#talk(socket, stop, isOver)
      }
      socket.destroy()
      await sleep(100)
    }
  }

  async #talk(socket: Socket, stop: AbortSignal, isOver: () => boolean): Promise<void> {
    let received = Buffer.alloc(0)
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part])
      for (const { ack } of [...decodeMulti(received)] as { ack: string }[]) {
        this.acknowledged.add(ack)
        this.open.delete(ack)
      }
    })
    for (const [chunk, message] of this.open) {
      this.repeated.add(chunk)
      socket.write(message)
    }
    while (!socket.destroyed && !isOver()) {
      while (this.open.size < 8 && !stop.aborted) socket.write(this.#newChunk())
      await sleep(this.#pauseMs)
    }
  }

  #newChunk(): Buffer {
    const chunk = `${this.#name}-${this.#next++}\n`
    const entries = Array.from({ length: rowsPerChunk }, (_, n) => entry(eventTime(1_700_000_000, n), { chunk, n }))
    const message = fluentdMessage(this.#tag, Buffer.concat(entries), { size: rowsPerChunk, chunk })
    this.open.set(chunk, message)
    return message
  }
}
