import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/**
 * One keep-alive connection that has one request on its way at a time. It writes what was prepared and reads no more of an
 * answer than its status and length, so that a loader takes little of the machine that it measures.
 */
export class HttpLine {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  /** What the last answer said of when to come again. */
  retryAfterSeconds: number | undefined
  #answer: { resolve: (status: number) => void; reject: (error: Error) => void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (part: Buffer) => this.#take(part))
    socket.on('error', (error) => this.#answer?.reject(error))
    socket.on('close', () => this.#answer?.reject(new Error('the server closed the connection')))
  }

  static async open(port: number): Promise<HttpLine> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new HttpLine(socket)
  }

  /** Resolves with the status of the answer, when all of it has arrived. */
  send(head: string, body: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject }
      this.#socket.cork()
      this.#socket.write(head, 'latin1')
      this.#socket.write(body)
      this.#socket.uncork()
    })
  }

  close(): void {
    this.#answer = undefined
    this.#socket.destroy()
  }

  #take(part: Buffer): void {
    this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part])
    const end = this.#received.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#received.toString('latin1', 0, end)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#received.length < end + 4 + length) return
    this.#received = this.#received.subarray(end + 4 + length)
    const retryAfter = /\r\nretry-after: *(\d+)/i.exec(head)?.[1]
    this.retryAfterSeconds = retryAfter === undefined ? undefined : Number(retryAfter)
    const answer = this.#answer
    this.#answer = undefined
    answer?.resolve(Number(head.slice(9, 12)))
  }
}

/** The head of a POST with a body of that length. */
export function postHead(path: string, apiKey: string, bytes: number, headers: readonly string[] = []): string {
  const all = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `authorization: Bearer ${apiKey}`,
    `content-length: ${bytes}`,
    ...headers,
  ]
  return `${all.join('\r\n')}\r\n\r\n`
}
