import type { ErrorRecord } from '../base/errors.ts'

/** What the supervisor asks of a role. */
export type ToRole = { readonly type: 'drain' } | { readonly type: 'stop' }

/** What a role tells its supervisor. */
export type FromRole =
  /** The role serves; `announced` is for whoever started it, for example the port it listens on. */
  | { readonly type: 'ready'; readonly announced: unknown }
  | { readonly type: 'failed'; readonly error: ErrorRecord }
  | { readonly type: 'drained' }

/** The environment variable in which a restarted role finds, as JSON, what it announced the first time. */
export const previouslyAnnounced = 'BIWA_PREVIOUSLY_ANNOUNCED'
