import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/**
 * A connection that left the lane, for the ordinary server: its socket reads into buffers that others read into as well, so what comes is
 * copied out of them.
 */
export class LeftConnection extends Duplex {
  readonly #socket: Socket

  constructor(socket: Socket) {
    // The server answers a client that has already said that it sends no more.
    super({ allowHalfOpen: true, emitClose: true })
    this.#socket = socket
    socket.on('end', () => this.push(null))
    socket.on('timeout', () => this.emit('timeout'))
    socket.on('close', () => this.destroy())
  }

  /** Takes what came; false where no more is wanted for now. */
  bring(bytes: Buffer): boolean {
    return this.push(Buffer.from(bytes))
  }

  /** What the server asks of a socket besides what all streams can do. */
  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms)
    return this
  }

  /** Ends the connection as soon as all is written, whether or not the other side ends it as well. */
  destroySoon(): void {
    if (this.writableFinished) this.destroy()
    else this.end(() => this.destroy())
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress
  }

  get localPort(): number | undefined {
    return this.#socket.localPort
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
