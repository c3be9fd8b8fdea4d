/** A process that takes jobs. */
export interface Worker {
  /** The lease owner, as histories name it. */
  readonly name: string
  readonly host: string
  readonly pid: number
  /** Of the code that it runs. */
  readonly version: string
  readonly kinds: readonly { readonly kind: string; readonly concurrency: number }[]
  readonly state: 'running' | 'draining'
  readonly startedAt: Date
  readonly seenAt: Date
  /** The jobs that it runs. */
  readonly jobIds: readonly number[]
}

/** The door of workers: all that gave a sign of life within the last minute. */
export interface Workers {
  list(): Promise<Worker[]>
}
