import { STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { interrupted, silent } from '../read-body.ts'
import type { BodyBudget, BodyLimits, ReadBody } from '../read-body.ts'
import { ArrivingBody } from './arriving-body.ts'
import { LeftConnection } from './left-connection.ts'
import type { RequestHead } from './request-head.ts'
import type { ServeUpload, UploadAnswer } from './upload.ts'

/** A request that is for the lane. */
export interface FoundUpload {
  readonly head: RequestHead
  readonly params: Readonly<Record<string, string>>
  readonly serve: ServeUpload
}

export interface LineOptions {
  /** The request that `bytes` begin with; undefined where it is for the ordinary way. */
  readonly find: (bytes: Buffer) => FoundUpload | undefined
  /** Has the ordinary way go on with the connection. */
  readonly leave: (connection: Duplex) => void
  readonly budget: BodyBudget
  readonly body: BodyLimits
  /** How long a connection may stand between two requests. */
  readonly idleMsMax: number
  /** How long a body may take to arrive. */
  readonly requestMsMax: number
  readonly nowMs: () => number
  readonly requestId: (request: { readonly headers: RequestHead['headers'] }) => string
  readonly isClosing: () => boolean
}

/**
 * Where bytes are read to, on all connections: they lie ready in the kernel when it is asked for them, and what is to stay is copied before
 * anything else is read. Heads are read by a small buffer, so that their bodies stay where they are until somebody wants them; bodies by a
 * large one, because a read costs more than the bytes in it.
 */
const headBuffer = Buffer.allocUnsafeSlow(4 << 10)
const bodyBuffer = Buffer.allocUnsafeSlow(256 << 10)

/** A connection that brings uploads, one after the other. */
export class UploadLine {
  readonly socket: Socket
  readonly #options: LineOptions
  /** Of the request that is being answered; undefined between two of them. */
  #body: ArrivingBody | undefined
  /** What was read of the next request, behind a body that came with its head. */
  #ahead: Buffer | undefined
  /** Who has the connection since it brought something else. */
  #leftTo: LeftConnection | undefined

  /** Takes the connection over from the socket of this handle, which has read `found` already, and `rest` behind its head. */
  constructor(handle: unknown, found: FoundUpload, rest: Buffer, options: LineOptions) {
    this.#options = options
    const body = this.#bodyOf(found.head, rest)
    const onread = {
      buffer: () => this.#nextBuffer(),
      callback: (bytes: number, buffer: Uint8Array) => this.#take((buffer as Buffer).subarray(0, bytes)),
    }
    // Servers make their sockets of handles like this, which the types do not tell, and only a new one can read into buffers of ours.
    this.socket = new Socket({ handle, onread, allowHalfOpen: true } as ConstructorParameters<typeof Socket>[0])
    this.socket.pause()
    this.socket.on('timeout', () => this.#onSilence())
    this.socket.on('end', () => this.#onEnd())
    this.socket.on('close', () => this.#onEnd())
    // The end of the connection follows, which says all that is to be known.
    this.socket.on('error', () => {})
    void this.#serve(found, body)
  }

  /** The server closes: who is being answered hears of it with the answer. */
  close(): void {
    if (this.#body === undefined && this.#leftTo === undefined) this.socket.destroy()
  }

  /** Never more of a body than there is, so that what follows is read as a head. */
  #nextBuffer(): Buffer {
    if (this.#leftTo !== undefined) return bodyBuffer
    const left = this.#body?.left ?? 0
    return left > 0 ? bodyBuffer.subarray(0, left) : headBuffer
  }

  /** Whether to read on. */
  #take(bytes: Buffer): boolean {
    if (this.#leftTo !== undefined) return this.#leftTo.bring(bytes)
    if (this.#body === undefined) return this.#takeHead(bytes)
    this.#body.take(bytes)
    return this.#body.left > 0
  }

  #takeHead(bytes: Buffer): boolean {
    const found = this.#options.find(bytes)
    if (found === undefined) return this.#leave(bytes)
    void this.#serve(found, this.#bodyOf(found.head, bytes.subarray(found.head.headBytes)))
    return false
  }

  #leave(bytes: Buffer): boolean {
    this.socket.setTimeout(0)
    this.#leftTo = new LeftConnection(this.socket)
    this.#options.leave(this.#leftTo)
    return this.#leftTo.bring(bytes)
  }

  #bodyOf({ bodyBytes }: RequestHead, rest: Buffer): ArrivingBody {
    const { budget, body: limits, requestMsMax: wholeMsMax, nowMs } = this.#options
    if (rest.byteLength > bodyBytes) this.#ahead = Buffer.from(rest.subarray(bodyBytes))
    const readOn = (): void => {
      this.socket.setTimeout(limits.silenceMsMax)
      if (this.socket.closed || this.socket.readableEnded) this.#onEnd()
      else this.socket.resume()
    }
    const first = Buffer.from(rest.subarray(0, bodyBytes))
    this.#body = new ArrivingBody(bodyBytes, first, { budget, wholeMsMax, nowMs, readOn })
    return this.#body
  }

  async #serve({ head, params, serve }: FoundUpload, body: ArrivingBody): Promise<void> {
    const { bodyBytes: bytes, ...rest } = head
    const requestId = this.#options.requestId(head)
    const receive = (): Promise<ReadBody> => body.receive()
    // By then the connection has stopped reading, and begins again where that is asked for.
    await Promise.resolve()
    const answer = await serve({ ...rest, requestId, params, bytes, isThere: body.left === 0, receive })
    const isCut = answer.headers['connection'] === 'close'
    const isLast = isCut || this.#options.isClosing()
    this.#write(answer, isLast)
    // Many read the answer only when they have sent all of the body.
    if (!isCut) await body.drop()
    this.#body = undefined
    // What follows a body that stayed away would be taken for the next request.
    const isOver = isLast || body.left > 0 || this.socket.readableEnded || this.#options.isClosing()
    if (isOver) this.socket.destroySoon()
    else this.#next()
  }

  #next(): void {
    const ahead = this.#ahead
    this.#ahead = undefined
    this.socket.setTimeout(this.#options.idleMsMax)
    if (ahead === undefined || this.#takeHead(ahead)) this.socket.resume()
  }

  #write({ status, headers, body, whenSent }: UploadAnswer, isLast: boolean): void {
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`]
    for (const [name, value] of Object.entries(headers)) if (name !== 'connection') lines.push(`${name}: ${value}`)
    lines.push(`date: ${new Date().toUTCString()}`, `content-length: ${Buffer.byteLength(body)}`)
    if (isLast) lines.push('connection: close')
    else lines.push('connection: keep-alive', `keep-alive: timeout=${Math.floor(this.#options.idleMsMax / 1000)}`)
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`, whenSent)
  }

  #onSilence(): void {
    const { silenceMsMax } = this.#options.body
    if (this.#leftTo !== undefined) return
    if (this.#body === undefined) this.socket.destroySoon()
    else this.#body.fail((received) => silent(silenceMsMax, received))
  }

  #onEnd(): void {
    if (this.#leftTo !== undefined) return
    if (this.#body === undefined) this.socket.destroySoon()
    else this.#body.fail((received) => interrupted(received))
  }
}
