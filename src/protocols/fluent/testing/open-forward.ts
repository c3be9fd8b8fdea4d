import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'

import { decodeMulti } from '@msgpack/msgpack'

import { openParts } from '../../../../test/support/parts.ts'
import type { Parts } from '../../../../test/support/parts.ts'
import { systemClock } from '../../../base/clock.ts'
import { openLog } from '../../../base/log.ts'
import { systemRandomness } from '../../../base/randomness.ts'
import type { Collect } from '../../../collect/collect.ts'
import { forwardLimitsDefault } from '../door.ts'
import type { ForwardLimits, Refusal } from '../door.ts'
import { ForwardListener } from '../forward-listener.ts'
import { routesOf } from '../routes.ts'
import type { Route } from '../routes.ts'
import { sendersOf } from '../senders.ts'
import type { SenderUser } from '../senders.ts'

/** What has not come by then does not come. */
const patienceMs = 60_000

export interface ForwardOptions {
  readonly sharedKey?: string
  /** By default an import key of the owner, where there is no shared key. */
  readonly apiKey?: string
  readonly users?: (apiKey: string) => readonly SenderUser[]
  readonly tls?: TlsOptions
  readonly routes?: readonly Route[]
  readonly limits?: Partial<ForwardLimits>
  /** What stands before the real intake. */
  readonly collect?: (real: Collect) => Pick<Collect, 'accept'>
}

/** The forward port over real parts, in this process. */
export interface Forward {
  readonly parts: Parts
  readonly listener: ForwardListener
  readonly port: number
  /** A key that may import. */
  readonly apiKey: string
  readonly refusals: readonly Refusal[]
  readonly outcomes: readonly string[]
  readonly bugs: readonly unknown[]
  connections(): number
  /** Resolves with the rows of a query when there are so many. */
  rowsOf(sql: string, count: number): Promise<unknown[][]>
  close(): Promise<void>
}

export async function openForward(options: ForwardOptions = {}, shared?: Parts): Promise<Forward> {
  const parts = shared ?? (await openParts())
  const { key: apiKey } = await parts.access.createKey(parts.owner, { kind: 'import' })
  const refusals: Refusal[] = []
  const outcomes: string[] = []
  const bugs: unknown[] = []
  let open = 0
  const { sharedKey = '', routes = [], limits, users = () => [] } = options
  const listener = new ForwardListener({
    access: parts.access,
    collect: options.collect?.(parts.collect) ?? parts.collect,
    clock: systemClock,
    randomness: systemRandomness,
    log: openLog('silent'),
    host: '127.0.0.1',
    port: 0,
    tls: options.tls,
    routeOf: routesOf(routes),
    ruleFor: sendersOf([], {
      sharedKey,
      apiKey: options.apiKey ?? (sharedKey === '' ? apiKey : ''),
      users: users(apiKey),
    }),
    hostname: 'biwa.test',
    meter: {
      connections: (count) => (open = count),
      message: (outcome) => outcomes.push(outcome),
      acked: () => {},
    },
    onRefusal: (refusal) => refusals.push(refusal),
    onBug: (error) => bugs.push(error),
    limits: { ...forwardLimitsDefault, ...limits },
  })
  await listener.start()
  return {
    parts,
    listener,
    port: listener.port,
    apiKey,
    refusals,
    outcomes,
    bugs,
    connections: () => open,
    async rowsOf(sql, count) {
      const deadlineMs = performance.now() + patienceMs
      for (;;) {
        const rows = await queried(parts, sql)
        if (rows.length >= count || performance.now() > deadlineMs) return rows
        await sleep(100)
      }
    },
    async close() {
      await listener.stop()
      if (shared === undefined) await parts.close()
    },
  }
}

/** No rows as long as there is no table. */
async function queried(parts: Parts, sql: string): Promise<unknown[][]> {
  const job = await parts.run(sql)
  if (job.state !== 'success') return []
  return await parts.rows(sql)
}

/** A socket to the port, and everything that came from it. */
export class Line {
  readonly socket: Socket
  readonly #parts: Buffer[] = []
  #isClosed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (part: Buffer) => this.#parts.push(part))
    socket.on('close', () => (this.#isClosed = true))
    socket.on('error', () => {})
  }

  static async to(port: number): Promise<Line> {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    await once(socket, 'connect')
    return new Line(socket)
  }

  get received(): Buffer {
    return Buffer.concat(this.#parts)
  }

  get messages(): unknown[] {
    return [...decodeMulti(this.received)]
  }

  /** Resolves when so many messages came. */
  async hear(count: number): Promise<unknown[]> {
    const deadlineMs = performance.now() + patienceMs
    while (this.messages.length < count && performance.now() < deadlineMs) await sleep(20)
    return this.messages
  }

  /** Resolves when the other side has closed. */
  async closed(): Promise<void> {
    if (this.#isClosed || this.socket.readableEnded) return
    await new Promise((resolve) => this.socket.once('end', resolve).once('close', resolve))
  }
}
