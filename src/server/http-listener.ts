import type { AddressInfo } from 'node:net'

import type { FastifyInstance } from 'fastify'

import { errno } from '../base/disk.ts'
import { AppError } from '../base/errors.ts'
import type { Service } from '../base/service.ts'

/** The HTTP server as a service. `port` 0 takes a free one, which `url` then tells. */
export class HttpListener implements Service {
  readonly name = 'http'
  readonly #app: FastifyInstance
  readonly #host: string
  readonly #port: number
  #closing: Promise<unknown> | undefined

  constructor(app: FastifyInstance, host: string, port: number) {
    this.#app = app
    this.#host = host
    this.#port = port
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

  async start(): Promise<void> {
    try {
      await this.#app.listen({ host: this.#host, port: this.#port })
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
