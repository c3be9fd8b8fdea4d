import type { Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { TlsOptions } from 'node:tls'

import { AppError } from '../../base/errors.ts'
import type { Service } from '../../base/service.ts'
import { Connection } from './connection.ts'
import type { ForwardDoor } from './door.ts'
import { answerHeartbeats } from './heartbeats.ts'
import { HeldBytes } from './held-bytes.ts'

export interface ForwardListenerOptions extends ForwardDoor {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Undefined for connections in plain text. */
  readonly tls: TlsOptions | undefined
  /** The socket that the process before this one left; connections wait in it. */
  readonly inherited?: ListeningHandle | undefined
}

/** A listening socket as processes pass it on. */
export interface ListeningHandle {
  close(): void
}

/** How often an idle client is asked whether it is still there. */
const keepAliveMs = 60_000

/** Fluentd's forward protocol v1, over TCP or TLS, and its heartbeats over UDP. */
export class ForwardListener implements Service {
  readonly name = 'forward'
  readonly #options: ForwardListenerOptions
  readonly #server: Server
  readonly #held: HeldBytes
  readonly #connections = new Set<Connection>()
  readonly #runs = new Set<Promise<void>>()
  #heartbeats: DatagramSocket | undefined

  constructor(options: ForwardListenerOptions) {
    this.#options = options
    const { tls, limits } = options
    this.#held = new HeldBytes(limits.heldBytesMax)
    const serve = (socket: Socket): void => this.#serve(socket)
    // A client may end its side and still wait for acknowledgements.
    const shared = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }
    this.#server =
      tls === undefined
        ? createServer(shared, serve)
        : createTlsServer({ ...shared, ...tls, handshakeTimeout: limits.handshakeMsMax }, serve)
    this.#server.maxConnections = limits.connectionsMax
    this.#server.on('tlsClientError', (error: Error) => {
      options.meter.message('unauthenticated', 0)
      options.log.warn({ reason: error.message }, 'a TLS handshake on the forward port failed')
    })
    this.#server.on('drop', () => options.meter.message('too_many_requests', 0))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** What the next process can listen on. */
  get socket(): ListeningHandle | undefined {
    return (this.#server as { readonly _handle?: ListeningHandle })._handle
  }

  async start(): Promise<void> {
    const { host, port, inherited } = this.#options
    try {
      const listening = once(this.#server, 'listening')
      if (inherited === undefined) this.#server.listen({ host, port })
      else this.#server.listen(inherited)
      await listening
    } catch (error) {
      throw new AppError('startup', `Biwa cannot listen for Fluentd on ${host}:${port}: ${String(error)}.`, {
        hint: 'Choose another port with --fluent-port, or `off`.',
        cause: error,
      })
    }
    // Such as too many open files, while a connection was accepted: that one is lost, and its client tries again.
    this.#server.on('error', (error) => this.#options.log.warn({ err: error }, 'the forward port failed for a moment'))
    try {
      this.#heartbeats = await answerHeartbeats(host, this.port)
    } catch (error) {
      // Clients of today send their heartbeats over TCP.
      this.#options.log.warn({ err: error, port: this.port }, 'heartbeats over UDP are not answered')
    }
  }

  /** Takes no more messages; those that came are made durable and acknowledged. */
  async drain(): Promise<void> {
    this.#close()
    for (const connection of this.#connections) connection.drain()
    await Promise.all(this.#runs)
  }

  async stop(): Promise<void> {
    this.#close()
    for (const connection of this.#connections) connection.stop()
    await Promise.all(this.#runs)
  }

  #close(): void {
    if (this.#server.listening) this.#server.close()
    this.#heartbeats?.close()
    this.#heartbeats = undefined
  }

  #serve(socket: Socket): void {
    const { meter } = this.#options
    const connection = new Connection(this.#options, socket, this.#held)
    this.#connections.add(connection)
    meter.connections(this.#connections.size)
    const run = connection.run().finally(() => {
      this.#connections.delete(connection)
      this.#runs.delete(run)
      meter.connections(this.#connections.size)
    })
    this.#runs.add(run)
  }
}
