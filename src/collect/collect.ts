import type { Principal } from '../access/access.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { Service } from '../base/service.ts'
import type { IntakeDoor } from './rejections.ts'

export const importFormats = ['ndjson', 'json', 'msgpack', 'csv', 'tsv', 'parquet', 'fluent'] as const
export type ImportFormat = (typeof importFormats)[number]

export const contentEncodings = ['identity', 'gzip', 'deflate', 'zstd', 'br'] as const
export type ContentEncoding = (typeof contentEncodings)[number]

/** A body on its way into a table, as it came: the door does not look inside. */
export interface ImportRequest {
  readonly principal: Principal
  readonly database: string
  readonly table: string
  /** The sender's id of this body; null where the sender gave none and a repetition cannot be told. */
  readonly uniqueId: string | null
  readonly format: ImportFormat
  readonly encoding: ContentEncoding
  /**
   * The column that holds the time; null for `time`, or the time of the entry where the format is `fluent`. The time of
   * receipt where there is none.
   */
  readonly timeColumn: string | null
  /** The time of records that carry none, microseconds since the epoch; that of receipt where the sender says none. */
  readonly timeUs?: number | undefined
  /** Where it came in, for those who ask later what became of it. */
  readonly door?: IntakeDoor
  readonly body: Uint8Array
}

/** The promise of `202`: on disk, applied once, whatever dies next. */
export interface ImportReceipt {
  readonly uniqueId: string
  /** As received, before inflation. */
  readonly bytes: number
}

/** What became of a body once it can be queried. */
export interface ImportOutcome {
  readonly uniqueId: string
  readonly accepted: number
  readonly quarantined: number
  /** The first of the quarantined records; all of them are in the quarantine. */
  readonly rejected: readonly {
    readonly recordNumber: number | null
    readonly reason: string
    readonly detail: string
  }[]
  /** The id had been applied before: the counts are those of that time. */
  readonly duplicate: boolean
  /** Set where nothing of the body could be read, such as a corrupted gzip. The body is in the quarantine. */
  readonly error: ErrorRecord | null
}

/** The door of collect. Names, limits and permission are checked before anything is kept. */
export interface Collect extends Service {
  /**
   * Fails as `accept` would with a body of so many bytes, for whatever is in it; for room it waits a moment (`roomWaitMsMax`). Doors ask
   * before they receive one: what is refused is then not held, and costs next to nothing of the time in which others are answered. The room
   * is kept until the returned function is called, before `accept`, which takes it anew, or because no body comes; for a second at most.
   */
  awaitRoom(principal: Principal, database: string, bytes: number): Promise<() => void>
  /** Resolves when the body is durable. Fails with `overloaded`, `storage_full`, `forbidden`, `body_too_large` … */
  accept(request: ImportRequest): Promise<ImportReceipt>
  /** As `accept`, and waits until the body can be queried; `wait_timeout` after `timeoutMs`, the work going on. */
  acceptAndWait(request: ImportRequest, timeoutMs: number): Promise<ImportOutcome & { readonly seconds: number }>
}
