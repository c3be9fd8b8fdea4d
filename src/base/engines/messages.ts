import type { ErrorRecord } from '../errors.ts'

/** What crosses between the pool and an engine process, by structured clone. One task at a time needs no ids. */
export type ToEngine = { readonly kind: string; readonly input: unknown }

export type FromEngine =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly value: unknown }
  | { readonly type: 'output'; readonly value: unknown }
  /** An expected failure; the process serves on. */
  | { readonly type: 'failure'; readonly error: ErrorRecord }
  /** A failure of our own; the process ends after it. */
  | { readonly type: 'bug'; readonly message: string; readonly stack: string }
