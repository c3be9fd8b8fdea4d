import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import type { Clock } from '../../clock.ts'
import type { BodyBudget, BodyLimits } from '../read-body.ts'
import { usualHead } from './request-head.ts'
import type { ServeUpload, Upload, UploadRoute } from './upload.ts'
import { UploadLine } from './upload-line.ts'
import type { FoundUpload, LineOptions } from './upload-line.ts'

export interface UploadLaneOptions {
  readonly budget: BodyBudget
  readonly body: BodyLimits
  readonly requestMsMax: number
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly requestId: (request: Pick<Upload, 'headers'>) => string
  /** Hears of each answer. The route is a path with its parameters as `:name`. */
  readonly onAnswer: (route: string, method: string, status: number, seconds: number) => void
}

/** Connections that begin with a smaller body stay with the ordinary way, which takes about as much for these. */
const firstBodyBytesMin = 32 << 10

interface Way {
  readonly method: string
  readonly pattern: RegExp
  readonly parameters: readonly string[]
  readonly serve: ServeUpload
}

/**
 * A lane for large bodies, before the HTTP server. Node's reads each body in pieces of 64 KiB that it makes anew, hands each of them through
 * its parser, and the framework comes on top: under a flood, where most bodies are read only to be dropped, this takes more than all that is
 * done to those that are welcome. The lane reads a body when somebody wants it, or drops it, in one read into memory that is there.
 *
 * A connection is the lane's when its first request is. Everything else, and all that is unusual about a request, is the server's: the lane
 * has read no more of it than it can give back.
 */
export class UploadLane {
  readonly #options: UploadLaneOptions
  readonly #ways: Way[] = []
  readonly #lines = new Set<UploadLine>()
  /** Connections that have brought nothing yet. */
  readonly #new = new Set<Socket>()
  #isClosing = false

  constructor(options: UploadLaneOptions) {
    this.#options = options
  }

  serve({ method, path, parameters, serve }: UploadRoute): void {
    const pattern = new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)
    const route = path.replaceAll(/\{(\w+)\}/g, ':$1')
    const { clock, onAnswer } = this.#options
    const timed: ServeUpload = async (upload) => {
      const startedMs = clock.monotonicMs()
      const answer = await serve(upload)
      onAnswer(route, method, answer.status, (clock.monotonicMs() - startedMs) / 1000)
      return answer
    }
    this.#ways.push({ method, pattern, parameters, serve: timed })
  }

  /** Puts the lane before what the server does with a connection. */
  openAt(server: Server): void {
    const ordinary = server.listeners('connection') as ((connection: Duplex) => void)[]
    const leave = (connection: Duplex): void => {
      for (const listener of ordinary) listener.call(server, connection)
    }
    const { budget, body, requestMsMax, clock, requestId } = this.#options
    const options: LineOptions = {
      find: (bytes) => this.#find(bytes),
      leave,
      budget,
      body,
      idleMsMax: server.keepAliveTimeout,
      requestMsMax,
      nowMs: () => clock.monotonicMs(),
      requestId,
      isClosing: () => this.#isClosing,
    }
    const closeAll = server.closeAllConnections.bind(server)
    // Whoever ends all connections means these as well, which the server does not know to be its own.
    server.closeAllConnections = () => {
      closeAll()
      for (const { socket } of this.#lines) socket.destroy()
    }
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => this.#await(socket, server.headersTimeout, options))
  }

  /** The first bytes decide. Who says nothing is cut off as the server would. */
  #await(socket: Socket, silenceMsMax: number, options: LineOptions): void {
    const settle = (): void => {
      this.#new.delete(socket)
      socket.setTimeout(0)
      socket.off('data', onData).off('timeout', onTimeout).off('end', onEnd).off('error', onError).off('close', settle)
    }
    const onData = (bytes: Buffer): void => {
      settle()
      const found = this.#find(bytes)
      if (found !== undefined && found.head.bodyBytes >= firstBodyBytesMin) {
        return this.#take(socket, found, bytes.subarray(found.head.headBytes), options)
      }
      socket.unshift(bytes)
      options.leave(socket)
    }
    const onTimeout = (): void => void socket.destroy()
    const onEnd = (): void => void socket.destroy()
    const onError = (): void => {}
    this.#new.add(socket)
    socket.setTimeout(silenceMsMax)
    socket.on('data', onData).on('timeout', onTimeout).on('end', onEnd).on('error', onError).on('close', settle)
  }

  #take(socket: Socket, found: FoundUpload, rest: Buffer, options: LineOptions): void {
    const owner = socket as unknown as { _handle: unknown }
    const line = new UploadLine(owner._handle, found, rest, options)
    // The socket stays for the server to count, and has no connection any more.
    owner._handle = null
    this.#lines.add(line)
    line.socket.once('close', () => {
      this.#lines.delete(line)
      socket.destroy()
    })
  }

  #find(bytes: Buffer): FoundUpload | undefined {
    const head = usualHead(bytes)
    if (head === undefined || head.bodyBytes > this.#options.body.bytesMax || this.#isClosing) return undefined
    for (const { method, pattern, parameters, serve } of this.#ways) {
      const match = method === head.method ? pattern.exec(head.path) : null
      if (match === null) continue
      const isKnown = Object.keys(head.query).every((name) => parameters.includes(name))
      return isKnown ? { head, params: { ...match.groups }, serve } : undefined
    }
    return undefined
  }

  /** The server begins to close: nobody is answered here any more but those who have asked. */
  close(): void {
    this.#isClosing = true
    for (const line of this.#lines) line.close()
    for (const socket of this.#new) socket.destroy()
  }
}
