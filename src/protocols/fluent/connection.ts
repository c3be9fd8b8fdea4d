import type { Socket } from 'node:net'

import type { Principal } from '../../access/access.ts'
import { AppError, isAppError } from '../../base/errors.ts'
import { admit } from './admission.ts'
import type { ForwardDoor } from './door.ts'
import { FrameCutter } from './frame-cutter.ts'
import { BrokenFrame } from './frame.ts'
import { gathered } from './gathered.ts'
import type { CountedMessage } from './gathered.ts'
import type { HeldBytes } from './held-bytes.ts'
import { ackOf } from './message.ts'
import type { Message } from './message.ts'
import { messageOf } from './read-message.ts'
import { PieceReader } from './piece-reader.ts'
import { uniqueIdOf } from './unique-id.ts'
import type { Target } from './routes.ts'

/** How long to wait before a message is offered to the intake again that was refused for now. */
const retryMsMin = 50
const retryMsMax = 2000

/**
 * One client from its first byte to its last. What it sends is passed on as it comes, several messages at a time, and each is
 * acknowledged when it is durable and not before.
 */
export class Connection {
  readonly #door: ForwardDoor
  readonly #socket: Socket
  readonly #held: HeldBytes
  readonly #reader: PieceReader
  readonly #cutter: FrameCutter
  /** Appends that are under way. */
  readonly #appends = new Set<Promise<void>>()
  #appendBytes = 0
  /** Bytes that were taken and belong to no whole message yet. */
  #partBytes = 0
  #onAppended = (): void => {}
  /** Aborted when the client is gone. */
  readonly #gone = new AbortController()
  /** Aborted when the server does not wait any more. */
  readonly #stopped = new AbortController()
  #principal: Principal | undefined

  constructor(door: ForwardDoor, socket: Socket, held: HeldBytes) {
    this.#door = door
    this.#socket = socket
    this.#held = held
    this.#reader = new PieceReader(socket, door.clock)
    this.#cutter = new FrameCutter(door.limits.frameBytesMax)
    socket.on('close', () => this.#gone.abort())
  }

  /** Resolves when everything of the connection is dealt with. */
  async run(): Promise<void> {
    try {
      const sender = await admit(this.#door, this.#socket, this.#reader)
      this.#principal = sender?.principal
      if (sender !== undefined) await this.#receive(sender.apiKey)
    } catch (error) {
      this.#refuse(error, undefined)
    }
    // A client that has ended its side may still wait for acknowledgements, or be gone, which nothing tells.
    const forget = this.#door.clock.schedule(this.#door.limits.silenceMsMax, () => this.#gone.abort())
    await Promise.all(this.#appends)
    forget()
    this.#held.leave(this, this.#partBytes)
    this.#partBytes = 0
    this.#socket.end()
    this.#socket.destroySoon()
  }

  /** Reads no more; what was read is made durable and acknowledged. */
  drain(): void {
    this.#reader.stop()
  }

  /** Gives up what is not durable; nobody was told that it were. */
  stop(): void {
    this.#reader.stop()
    this.#stopped.abort()
    this.#socket.destroy()
  }

  async #receive(apiKey: string): Promise<void> {
    const { silenceMsMax, idleMsMax } = this.#door.limits
    for (;;) {
      const isInside = this.#cutter.heldBytes > 0
      const piece = await this.#reader.next(isInside ? silenceMsMax : idleMsMax)
      if (piece === 'silence' && isInside) throw silent(silenceMsMax)
      if (piece === 'silence' || piece === 'end') return
      await this.#held.take(this, piece.byteLength)
      this.#partBytes += piece.byteLength
      for (const counted of gathered(this.#messagesIn(piece))) {
        this.#begin(apiKey, counted)
        await this.#hasRoom()
      }
    }
  }

  *#messagesIn(piece: Buffer): Generator<CountedMessage> {
    for (const frame of this.#cutter.push(piece)) {
      const frameBytes = frame.bytes.byteLength
      const message = messageOf(frame)
      this.#partBytes -= frameBytes
      this.#held.complete(this, frameBytes)
      if (message === undefined) this.#held.release(frameBytes)
      else yield { message, frameBytes }
    }
  }

  #begin(apiKey: string, { message, frameBytes }: CountedMessage): void {
    this.#appendBytes += frameBytes
    const append = this.#append(apiKey, message, frameBytes).finally(() => {
      this.#appends.delete(append)
      this.#appendBytes -= frameBytes
      this.#held.release(frameBytes)
      this.#onAppended()
    })
    this.#appends.add(append)
  }

  /** Resolves when the connection may have more under way, and its client has read what it was answered. */
  async #hasRoom(): Promise<void> {
    const { connectionBytesMax, connectionMessagesMax } = this.#door.limits
    while (this.#appendBytes >= connectionBytesMax || this.#appends.size >= connectionMessagesMax) {
      await new Promise<void>((resolve) => (this.#onAppended = resolve))
    }
    if (!this.#socket.writableNeedDrain) return
    await new Promise<void>((resolve) => {
      this.#socket.once('drain', resolve)
      this.#gone.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  async #append(apiKey: string, message: Message, frameBytes: number): Promise<void> {
    const { meter, routeOf } = this.#door
    let target: Target | undefined
    try {
      target = routeOf(message.tag)
      await this.#appendSurely(apiKey, message, target)
      meter.message('accepted', frameBytes)
      if (message.chunk === undefined || this.#gone.signal.aborted) return
      this.#socket.write(ackOf(message))
      meter.acked()
    } catch (error) {
      this.#refuse(error, target)
    }
  }

  /**
   * Offers the message until the intake takes it: a server that is full for now makes its clients wait, and loses nothing. Whoever
   * waits for an acknowledgement and is gone will send the message again; of others it is the only copy.
   */
  async #appendSurely(apiKey: string, message: Message, target: Target): Promise<void> {
    const { access, collect, clock, meter } = this.#door
    const uniqueId = uniqueIdOf(message)
    const { signal } = uniqueId === null ? this.#stopped : this.#gone
    const { encoding, entries: body } = message
    for (let waitMs = retryMsMin; ; waitMs = Math.min(2 * waitMs, retryMsMax)) {
      try {
        const principal = await access.authenticate(apiKey)
        const form = { format: 'fluent', encoding, timeColumn: null, door: 'forward' } as const
        await collect.accept({ principal, ...target, uniqueId, ...form, body })
        return
      } catch (error) {
        if (!isAppError(error) || !error.retryable || error.code === 'shutting_down' || signal.aborted) throw error
        meter.message(error.code, 0)
        await clock.sleep(waitMs, signal)
      }
    }
  }

  /** The protocol has no word for a refusal. The connection ends, and the client, which heard of no success, tries again. */
  #refuse(error: unknown, target: Target | undefined): void {
    const { log, meter, onBug, onRefusal } = this.#door
    const failure = failureOf(error)
    this.#reader.stop()
    if (failure === undefined) return onBug(error)
    const { code, message: detail } = failure
    if (code === 'shutting_down' || this.#stopped.signal.aborted) return
    meter.message(code, 0)
    onRefusal({ code, detail, principal: this.#principal, target })
    log.warn({ code, address: this.#socket.remoteAddress, ...target }, `a forward connection was refused: ${detail}`)
  }
}

function failureOf(error: unknown): AppError | undefined {
  if (isAppError(error)) return error
  return error instanceof BrokenFrame ? new AppError(error.code, error.message) : undefined
}

function silent(silenceMsMax: number): AppError {
  return new AppError('request_timeout', `Nothing came for ${silenceMsMax / 1000} s in the middle of a message.`)
}
