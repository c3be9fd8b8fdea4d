import type { Readable } from 'node:stream'

import type { Principal } from '../../access/access.ts'
import type { BulkStatus } from './states.ts'

export interface BulkImport {
  readonly id: number
  readonly name: string
  readonly database: string
  readonly table: string
  readonly status: BulkStatus
  /** No part comes or goes any more. */
  readonly frozen: boolean
  /** The job that converts the parts, or did; null before. */
  readonly jobId: number | null
  /** What it found; 0 before. */
  readonly validRecords: number
  readonly errorRecords: number
  readonly validParts: number
  readonly errorParts: number
  readonly createdAt: Date
  /** From then on it may be removed, whatever its state. */
  readonly expiresAt: Date
}

export interface BulkPart {
  readonly name: string
  readonly bytes: number
  readonly uploadedAt: Date
}

/** A record that could not be read; or a whole part, where the number is null. */
export interface BulkErrorRecord {
  readonly part: string
  /** From 0 in the part. */
  readonly recordNumber: number | null
  readonly byteOffset: number | null
  readonly reason: string
  readonly detail: string
  /** The first bytes of it; `rawBytes` says how many there are. */
  readonly raw: Uint8Array
  readonly rawBytes: number
}

/**
 * The door of bulk imports: parts are uploaded, converted together by a job (`perform`), looked at, and committed as one. Each
 * call may be repeated when its answer was lost (states.ts). All fail with `bulk_import_not_found`; with `forbidden` where the
 * principal may not import into the database; and with `bulk_import_state` where the state does not allow what is asked for.
 */
export interface BulkImports {
  /** Fails with `already_exists`, `database_not_found` or `table_not_found`. Names are unique in the account. */
  create(principal: Principal, name: string, target: { database: string; table: string }): Promise<BulkImport>
  /** Those of the databases that the principal may import into, the newest first. */
  list(principal: Principal): Promise<BulkImport[]>
  show(principal: Principal, name: string): Promise<BulkImport>
  /** By name. */
  parts(principal: Principal, name: string): Promise<BulkPart[]>
  /** Resolves when the part is durable. It replaces one of the same name. Fails with `body_too_large`, `request_timeout` … */
  uploadPart(principal: Principal, name: string, part: string, body: Readable): Promise<BulkPart>
  /** A part that is not there is no failure. */
  deletePart(principal: Principal, name: string, part: string): Promise<void>
  freeze(principal: Principal, name: string): Promise<BulkImport>
  unfreeze(principal: Principal, name: string): Promise<BulkImport>
  /** Freezes what is not frozen, and has a job convert the parts: the answer names it. */
  perform(principal: Principal, name: string, options?: { priority?: number }): Promise<BulkImport>
  /** Has a job put everything into the table at once: `committing` until then. */
  commit(principal: Principal, name: string): Promise<BulkImport>
  /** Removes it with its parts; what was committed stays. */
  delete(principal: Principal, name: string): Promise<void>
  /** What could not be read, in the order of the parts. */
  errorRecords(principal: Principal, name: string): AsyncIterable<BulkErrorRecord>
}
