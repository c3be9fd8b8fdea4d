import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'

import { freePort } from '../../../test/support/free-port.ts'

/** A way to a PostgreSQL that can be cut and mended, as networks and restarts do it. */
export interface SeverableWay {
  readonly url: string
  /** Ends all connections, and refuses new ones. */
  sever(): Promise<void>
  mend(): Promise<void>
  close(): Promise<void>
}

export async function openSeverableWay(url: string): Promise<SeverableWay> {
  const target = new URL(url)
  const socketDirectory = target.searchParams.get('host')
  const port = target.port === '' ? 5432 : Number(target.port)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far =
      socketDirectory === null ? connect(port, target.hostname) : connect(`${socketDirectory}/.s.PGSQL.${port}`)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const sever = async () => {
    if (!server.listening) return
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
  // Those who connect while it is severed must not get its port.
  const ownPort = await freePort()
  await listen(ownPort)
  const way = new URL(url)
  way.searchParams.delete('host')
  way.hostname = '127.0.0.1'
  way.port = String(ownPort)
  return { url: way.href, sever, mend: () => listen(ownPort), close: sever }
}
