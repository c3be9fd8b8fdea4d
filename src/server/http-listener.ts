import type { AddressInfo } from 'node:net'

import type { FastifyInstance } from 'fastify'

import { errno } from '../base/disk.ts'
import { AppError } from '../base/errors.ts'
import type { Service } from '../base/service.ts'
import type { ListeningSocket } from './role-messages.ts'

/**
 * The HTTP server as a service. `port` 0 takes a free one, which `url` then tells. Where the process before this one left
 * its socket, that is listened on: connections that came in between were not refused but waited in it.
 */
export class HttpListener implements Service {
  readonly name = 'http'
  readonly #app: FastifyInstance
  readonly #host: string
  readonly #port: number
  readonly #inherited: ListeningSocket | undefined
  #closing: Promise<unknown> | undefined

  constructor(app: FastifyInstance, host: string, port: number, inherited?: ListeningSocket) {
    this.#app = app
    this.#host = host
    this.#port = port
    this.#inherited = inherited
  }

  /** Where clients on this machine reach it. */
  get url(): string {
    const { port, family } = this.#app.server.address() as AddressInfo
    if (this.#host === '0.0.0.0' || this.#host === '::') return `http://127.0.0.1:${port}`
    return family === 'IPv6' ? `http://[${this.#host}]:${port}` : `http://${this.#host}:${port}`
  }

  get port(): number {
    return (this.#app.server.address() as AddressInfo).port
  }

  /** What the next process can listen on; undefined where the platform has no such thing. */
  get socket(): ListeningSocket | undefined {
    return (this.#app.server as { readonly _handle?: ListeningSocket })._handle
  }

  async start(): Promise<void> {
    try {
      // Fastify hands its options on to `server.listen`, which takes a `handle` before a port.
      const inherited = this.#inherited === undefined ? {} : { handle: this.#inherited }
      await this.#app.listen({ host: this.#host, port: this.#port, ...inherited })
    } catch (error) {
      throw new AppError('startup', `Biwa cannot listen on ${this.#host}:${this.#port}: ${reasonOf(error)}.`, {
        hint: 'Choose another port with --port, or 0 for any free one.',
        cause: error,
      })
    }
  }

  /** Takes no new connections; requests that are being answered finish. */
  async drain(): Promise<void> {
    this.#closing ??= this.#app.close()
    await this.#closing
  }

  async stop(): Promise<void> {
    this.#app.server.closeAllConnections()
    await this.drain()
  }
}

function reasonOf(error: unknown): string {
  const code = errno(error)
  if (code === 'EADDRINUSE') return 'the port is in use'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have the address'
  return error instanceof Error ? error.message : String(error)
}
