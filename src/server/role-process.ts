import type { Socket } from 'node:net'

import { AppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Service } from '../base/service.ts'
import { drainServices, startServices, stopServices } from './life-cycle.ts'
import { Orphan } from './orphan.ts'
import type { FromRole, ListeningSocket, ListeningSockets, ToRole } from './role-messages.ts'

/** What one role consists of. */
export interface Role {
  /** In the order of their start. */
  readonly services: readonly Service[]
  /** Asked when all services have started: what the supervisor should know. */
  readonly announce?: () => unknown
  /** Asked then, too: the sockets that the next process of the role shall listen on. */
  readonly sockets?: () => ListeningSockets
  /** Asked as well: to note this process for the next supervisor, should this one be killed. Says whether it did. */
  readonly note?: () => Promise<boolean>
}

/** What the process of the role before this one left. */
export interface Inheritance {
  /** What it announced; null the first time. */
  readonly previous: unknown
  readonly sockets: ListeningSockets
}

/**
 * The whole life of a role's process, from its entry file: opens the role, starts its services, obeys the supervisor,
 * and ends with it, unless it is noted: then it serves on for a while when it is an orphan, because nothing that it does needs a supervisor.
 * `open` makes whatever can be made ahead, and calls and awaits `begun` before anything that only one process of
 * the role may do, or that needs a server: a spare waits there until it is needed. `ahead` are services that have processes
 * before; they end with a spare that is told to leave.
 */
export async function runRole(
  log: Logger,
  open: (begun: Begun) => Promise<Role>,
  ahead: readonly Service[] = [],
): Promise<void> {
  dieOfBugs(log)
  // Ctrl-C and a service manager signal the whole process group; the supervisor alone decides when a role ends.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
  const orphan = new Orphan(log)
  try {
    const ignore = obey(ahead, log)
    const { services, announce, sockets, note } = await open(listenForBegin())
    ignore()
    obey(services, log)
    tell({ type: 'opened' })
    await startServices(services)
    if ((await note?.()) === true) orphan.servesOn(services)
    for (const [name, socket] of sockets?.() ?? []) tell({ type: 'socket', name }, socket)
    tell({ type: 'ready', announced: announce?.() ?? null })
  } catch (error) {
    log.error({ err: error }, 'the role did not start')
    const failure =
      error instanceof AppError ? error : new AppError('internal', `A role did not start: ${String(error)}`)
    process.send?.({ type: 'failed', error: failure.toRecord() } satisfies FromRole, () => process.exit(1))
  }
}

/**
 * Waits to be told to begin, and says that the code is loaded when that `rest`, too, is done, which only those wait for who have somebody else
 * serve until then.
 */
export type Begun = (rest?: Promise<unknown>) => Promise<Inheritance>

function listenForBegin(): Begun {
  const sockets = new Map<string, ListeningSocket>()
  const begun = new Promise<Inheritance>((resolve) => {
    const hear = (message: unknown, socket: unknown): void => {
      const told = message as ToRole
      if (told.type === 'socket') sockets.set(told.name, socket as ListeningSocket)
      if (told.type !== 'begin') return
      process.off('message', hear)
      resolve({ previous: told.previous, sockets })
    }
    process.on('message', hear)
  })
  return async (rest = Promise.resolve()) => {
    const failed = rest.then(() => {
      tell({ type: 'loaded' })
      return begun
    })
    return await Promise.race([begun, failed])
  }
}

/** Until what it returns is called. */
function obey(services: readonly Service[], log: Logger): () => void {
  const hear = (message: unknown): void => {
    const { type } = message as ToRole
    if (type === 'drain') void drainServices(services, log).then(() => tell({ type: 'drained' }))
    if (type === 'stop') void stopServices(services, log).then(() => process.exit(0))
  }
  process.on('message', hear)
  return () => process.off('message', hear)
}

function tell(message: FromRole, socket?: ListeningSocket): void {
  // Node passes its own sockets on as they are, which its types do not tell.
  // A supervisor that is gone needs no answer, and its end shows elsewhere.
  process.send?.(message, socket as unknown as Socket, undefined, () => {})
}

/** A bug leaves the process in an unknown state. It ends, loudly; the supervisor starts another one. */
function dieOfBugs(log: Logger): void {
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'a bug ends this process')
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
}
