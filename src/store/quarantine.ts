import type { Readable } from 'node:stream'

import type { Principal } from '../access/access.ts'

/** How a record came, and so how it is to be read again. The store does not know what the words mean. */
export interface QuarantineSource {
  readonly format: string
  /** Of a whole body. Records of a body are kept as they are behind it. */
  readonly encoding: string
  readonly timeColumn: string | null
  readonly receivedAtUs: number
  /** What goes before the record when it is read by itself, such as the line of names of CSV. */
  readonly header: Uint8Array | null
  readonly keyId: number | null
  readonly door: string | null
}

/** Something that happened to a record in the quarantine. */
export interface QuarantineEvent {
  readonly what: 'fixed' | 'replayed'
  /** ISO 8601. */
  readonly at: string
  /** Of `fixed`: who did it. */
  readonly userId?: number
  /** Of `replayed`: the job, and why the record had been in the quarantine before. */
  readonly jobId?: number
  readonly reason?: string
  readonly detail?: string
}

/** A record that could not be read, on its way into the quarantine. */
export interface QuarantinedRecord {
  readonly uniqueId: string
  readonly recordNumber: number | null
  readonly byteOffset: number | null
  /** A short code, such as `json_syntax` or `depth`. */
  readonly reason: string
  readonly detail: string
  /** The record's bytes; at most 64 KiB of them where `objectKey` names the whole. */
  readonly raw: Uint8Array
  readonly rawBytes: number
  readonly objectKey: string | null
  /** How to read it again; left out where nobody can. */
  readonly source?: QuarantineSource
  /** Of the record that it was a part of, when that was read again. */
  readonly history?: readonly QuarantineEvent[]
}

/** A record as lists show it. */
export interface QuarantineEntry extends QuarantinedRecord {
  readonly id: number
  readonly database: string
  readonly table: string
  readonly quarantinedAt: Date
}

/** A record in the quarantine with everything that is known of it, but for its bytes. */
export interface QuarantineItem {
  readonly id: number
  readonly database: string
  readonly table: string
  readonly uniqueId: string
  readonly recordNumber: number | null
  readonly byteOffset: number | null
  readonly reason: string
  readonly detail: string
  /** Bytes as they came. */
  readonly rawBytes: number
  /** Bytes that are read instead; null where nobody mended it. */
  readonly fixedBytes: number | null
  /** Null where it is not known how to read it. */
  readonly source: QuarantineSource | null
  readonly revision: number
  readonly history: readonly QuarantineEvent[]
  readonly quarantinedAt: Date
}

/** The table that records were meant for. There may be none of that name, or no more. */
export interface MeantTable {
  readonly database: string
  readonly name: string
}

/** Which records of a table are meant. What is left out does not matter. */
export interface QuarantineFilter {
  readonly ids?: readonly number[] | undefined
  readonly reason?: string | undefined
  readonly uniqueId?: string | undefined
}

/** A record as somebody saw it. */
export interface QuarantineRef {
  readonly id: number
  readonly revision: number
}

/** What reading records again made of them, applied together with the rows that came out of it. */
export interface ReplayedRecords {
  readonly jobId: number
  /** Those of which rows came, or other records; they leave the quarantine. */
  readonly released: readonly QuarantineRef[]
  /** Those that failed as they had before. */
  readonly returned: readonly (QuarantineRef & { readonly reason: string; readonly detail: string })[]
}

export interface ReasonCount {
  readonly reason: string
  readonly count: number
  readonly bytes: number
  /** Of the newest one. */
  readonly detail: string
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Records of a table that were quarantined for one reason in a span of time. */
export interface QuarantineCount {
  readonly database: string
  readonly table: string
  readonly reason: string
  readonly keyId: number | null
  readonly door: string | null
  readonly count: number
  /** Of the newest one. */
  readonly detail: string
  readonly lastAt: Date
}

/** How records are mended: new bytes, and where they are to be read otherwise, as what. */
export interface QuarantineFix {
  /** The new bytes, or the same where nothing is to be changed. */
  readonly bytes: (old: Buffer) => Buffer
  readonly format?: string | undefined
  readonly encoding?: string | undefined
  readonly timeColumn?: string | null | undefined
}

export interface FixOutcome {
  readonly matched: number
  /** Records of which the bytes, or how they are read, are others now. */
  readonly changed: number
  /** Records that are too large to be mended in place. */
  readonly tooLarge: number
  /** Where to go on, as `after`; null where all were looked at. */
  readonly next: number | null
}

export interface RecentQuestion {
  readonly since: Date
  readonly keyId?: number | undefined
  readonly door?: string | undefined
  readonly limit: number
}

/** What could not be read, kept until somebody mends or removes it, or it grows too old. Every name is the account's. */
export interface Quarantine {
  /** What was quarantined since then, by table, reason, key and door, the newest first. */
  recent(accountId: number, question: RecentQuestion): Promise<QuarantineCount[]>
  /** How many records of a table there are for each reason, the most first. */
  reasons(accountId: number, table: MeantTable): Promise<ReasonCount[]>
  /** Fails with `record_not_found`. */
  item(accountId: number, table: MeantTable, id: number): Promise<QuarantineItem>
  /** The whole of a record, as it is read: mended, where it was. Fails with `record_not_found`. */
  bytes(
    accountId: number,
    table: MeantTable,
    id: number,
  ): Promise<{ readonly length: number; stream(): Promise<Readable> }>
  /** Mends some of the records, from the one behind `after` on; call it until `next` is null. */
  fix(
    principal: Principal,
    table: MeantTable,
    filter: QuarantineFilter,
    fix: QuarantineFix,
    options: { readonly after: number; readonly dryRun: boolean },
  ): Promise<FixOutcome>
  /** Removes some of the records for good. Returns how many; call it until there are none. */
  remove(accountId: number, table: MeantTable, filter: QuarantineFilter): Promise<number>
  /** How many there are, and the newest of them. */
  count(accountId: number, table: MeantTable, filter: QuarantineFilter): Promise<{ count: number; newest: number }>
  /**
   * Records to be read again by a job, of which it has not read them before: in order from the one behind `after` up to
   * `upTo`, as many as have `bytesMax` together, at least one.
   */
  next(
    accountId: number,
    table: MeantTable,
    filter: QuarantineFilter,
    page: {
      readonly after: number
      readonly upTo: number
      readonly jobId: number
      readonly recordsMax: number
      readonly bytesMax: number
    },
  ): Promise<QuarantineItem[]>
  /** The bytes to read of items that `next` gave. What was taken away meanwhile is left out. */
  bytesToRead(accountId: number, ids: readonly number[]): Promise<Map<number, Buffer>>
}
