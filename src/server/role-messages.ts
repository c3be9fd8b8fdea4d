import type { ErrorRecord } from '../base/errors.ts'

/** What the supervisor asks of a role. */
export type ToRole =
  /**
   * The first message: begin. `previous` is what the role announced when it ran before, null the first time. The socket
   * that it listened on, where it had one, comes along.
   */
  { readonly type: 'begin'; readonly previous: unknown } | { readonly type: 'drain' } | { readonly type: 'stop' }

/** What a role tells its supervisor. */
export type FromRole =
  /** The code is loaded and its parts are made; what comes next may need what another process of the role holds. */
  | { readonly type: 'opened' }
  /**
   * The role serves; `announced` is for whoever started it, for example the port it listens on. The socket that it
   * listens on, where it has one, comes along.
   */
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
