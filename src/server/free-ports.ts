import { once } from 'node:events'
import { createServer } from 'node:net'

import type { Clock } from '../base/clock.ts'
import { errno } from '../base/disk.ts'
import { AppError } from '../base/errors.ts'
import type { Settings } from '../base/settings.ts'

export interface PortToListenOn {
  readonly host: string
  readonly port: number
  /** Of `biwa serve`, by which it is chosen. */
  readonly flag: string
}

type ListeningSettings = Pick<Settings, 'roles' | 'host' | 'port' | 'fluentPort' | 'fluentHttpPort'>

/**
 * Fails with `startup` where a port of the doors is taken, before anything is started for them. A port may still be taken
 * afterwards: who listens says so in the same words.
 */
export async function requireFreePorts(settings: ListeningSettings, clock: Clock): Promise<void> {
  if (!settings.roles.includes('api')) return
  for (const [flag, port] of [
    ['--port', settings.port],
    ['--fluent-port', settings.fluentPort],
    ['--fluent-http-port', settings.fluentHttpPort],
  ] as const) {
    if (typeof port === 'number' && port !== 0) {
      await requireFreePort({ host: settings.host, port, flag }, clock)
    }
  }
}

/** Processes of a killed server that had not noted themselves yet end behind it, and keep its ports until then. */
const leavingMsMax = 1000
const lookAgainMs = 20

async function requireFreePort(wanted: PortToListenOn, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + leavingMsMax
  for (;;) {
    try {
      return await listenOnce(wanted)
    } catch (error) {
      if (errno(error) !== 'EADDRINUSE' || clock.monotonicMs() > deadline) throw cannotListen(wanted, error)
      await clock.sleep(lookAgainMs)
    }
  }
}

async function listenOnce({ host, port }: PortToListenOn): Promise<void> {
  const server = createServer()
  const listening = once(server, 'listening')
  server.listen({ host, port })
  await listening
  server.close()
  await once(server, 'close')
}

/** That the server cannot have its port: why, and by which flag it gets another one. */
export function cannotListen({ host, port, flag }: PortToListenOn, cause: unknown): AppError {
  return new AppError('startup', `Biwa cannot listen on ${host}:${port}: ${reasonOf(cause)}.`, {
    hint: `Choose another port with ${flag}, or 0 for any free one.`,
    cause,
  })
}

function reasonOf(error: unknown): string {
  const code = errno(error)
  if (code === 'EADDRINUSE') return 'the port is in use'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have the address'
  return error instanceof Error ? error.message : String(error)
}
