import type { ErrorRecord } from '../base/errors.ts'

/** What the supervisor asks of a role. */
export type ToRole =
  /** Before `begin`: comes with a socket that the role listened on when it ran before, each under a name. */
  | { readonly type: 'socket'; readonly name: string }
  /** Begin. `previous` is what the role announced when it ran before, null the first time. */
  | { readonly type: 'begin'; readonly previous: unknown }
  | { readonly type: 'drain' }
  | { readonly type: 'stop' }

/** What a role tells its supervisor. */
export type FromRole =
  /** The code is loaded, and whatever can be made before `begin`. */
  | { readonly type: 'loaded' }
  /** It has begun, and its parts are made; what comes next may need what another process of the role holds. */
  | { readonly type: 'opened' }
  /** Before `ready`: comes with a socket that the role listens on, each under a name. */
  | { readonly type: 'socket'; readonly name: string }
  /** The role serves; `announced` is for whoever started it, for example the port it listens on. */
  | { readonly type: 'ready'; readonly announced: unknown }
  | { readonly type: 'failed'; readonly error: ErrorRecord }
  | { readonly type: 'drained' }

/**
 * A listening socket as processes pass it on. Connections that arrive while no process accepts them wait in it, for as
 * long as one process has it open.
 */
export interface ListeningSocket {
  close(): void
}

/** Sockets by their names. */
export type ListeningSockets = ReadonlyMap<string, ListeningSocket>

/** Those that there are: not every door is open, and not every platform has sockets that can be passed on. */
export function socketsOf(sockets: Readonly<Record<string, ListeningSocket | undefined>>): ListeningSockets {
  return new Map(Object.entries(sockets).flatMap(([name, socket]) => (socket === undefined ? [] : [[name, socket]])))
}
