import type { AddressInfo } from 'node:net'

import type { FastifyInstance } from 'fastify'

import type { Service } from '../base/service.ts'
import { cannotListen } from './free-ports.ts'
import type { PortToListenOn } from './free-ports.ts'
import type { ListeningSocket } from './role-messages.ts'

/**
 * The HTTP server as a service. `port` 0 takes a free one, which `url` then tells. Where the process before this one left
 * its socket, that is listened on: connections that came in between were not refused but waited in it.
 */
export class HttpListener implements Service {
  readonly name = 'http'
  readonly #app: FastifyInstance
  readonly #wanted: PortToListenOn
  readonly #inherited: ListeningSocket | undefined
  #closing: Promise<unknown> | undefined

  constructor(app: FastifyInstance, wanted: PortToListenOn, inherited?: ListeningSocket) {
    this.#app = app
    this.#wanted = wanted
    this.#inherited = inherited
  }

  /** Where clients on this machine reach it. */
  get url(): string {
    const { port, family } = this.#app.server.address() as AddressInfo
    const { host } = this.#wanted
    if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`
    return family === 'IPv6' ? `http://[${host}]:${port}` : `http://${host}:${port}`
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
      const { host, port } = this.#wanted
      await this.#app.listen({ host, port, ...inherited })
    } catch (error) {
      throw cannotListen(this.#wanted, error)
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
