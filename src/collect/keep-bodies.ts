import { isAppError } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import type { QuarantineSource, QuarantinedRecord } from '../store/quarantine.ts'
import type { Store } from '../store/store.ts'
import { AppliedBodies } from './applied-bodies.ts'
import type { Body, BodySource } from './body.ts'
import { idOf } from './body.ts'
import type { ContentEncoding, ImportOutcome } from './collect.ts'
import type { ConvertedBody, RecordReading, RejectedRest } from './convert/tasks.ts'
import type { FrameSource, Span } from './inbox/frame-source.ts'
import type { Segment } from './inbox/inbox.ts'
import { quarantinedBytesMax } from './limits.ts'

/**
 * Where bytes of a body are kept that its rows in the quarantine cannot hold. The key follows from the place, so an
 * attempt that is repeated writes the same object.
 */
export function quarantineKey({ segment, frame }: Body, recordNumber?: number): string {
  const record = recordNumber === undefined ? '' : `-${recordNumber}`
  return `quarantine/${frame.header.accountId}/${segment.id}-${frame.from}${record}`
}

/** What bodies are kept with. */
export interface Keeping {
  readonly objects: ObjectStore
  /** Where the bodies lie. */
  readonly source: BodySource
}

/** The whole body, as it was sent, as a record of the quarantine. */
export async function quarantinedBody(
  { objects, source }: Keeping,
  body: Body,
  reason: string,
  detail: string,
): Promise<QuarantinedRecord> {
  const bytes = await source.readBody(body.frame)
  const objectKey = bytes.byteLength > quarantinedBytesMax ? quarantineKey(body) : null
  if (objectKey !== null) await objects.put(objectKey, bytes)
  return {
    uniqueId: idOf(body),
    recordNumber: null,
    byteOffset: null,
    reason,
    detail,
    raw: bytes.subarray(0, quarantinedBytesMax),
    rawBytes: bytes.byteLength,
    objectKey,
    source: sourceOf(body, { format: body.frame.header.format, header: null }, body.frame.header.encoding),
  }
}

/** How the body, or a record of it, is read again. */
function sourceOf({ frame }: Body, { format, header }: RecordReading, encoding: ContentEncoding): QuarantineSource {
  const { timeColumn, receivedAtUs, keyId, door = null } = frame.header
  return { format, encoding, timeColumn, receivedAtUs, header, keyId, door }
}

/** The records of a body that could not be read. Where they are very many, those behind the first are kept together. */
export async function quarantinedRows(
  keeping: Keeping,
  body: Body,
  { rejected, rejectedRows, readAs, rest }: Omit<ConvertedBody, 'rows' | 'error'>,
): Promise<QuarantinedRecord[]> {
  const records: QuarantinedRecord[] = []
  const source = readAs === undefined ? {} : { source: sourceOf(body, readAs, 'identity') }
  for (const { path, ...row } of rejectedRows) {
    const objectKey = path === null ? null : quarantineKey(body, row.recordNumber)
    if (path !== null && objectKey !== null) await keeping.objects.putFile(objectKey, path)
    records.push({ uniqueId: idOf(body), ...row, objectKey, ...source })
  }
  if (rejected === records.length) return records
  return [...records, await quarantinedRest(keeping, body, rejected - records.length, rest)]
}

/** What of a body is not kept record by record. */
async function quarantinedRest(
  keeping: Keeping,
  body: Body,
  records: number,
  rest: RejectedRest | undefined,
): Promise<QuarantinedRecord> {
  const what = `${records} more records of the body cannot be read`
  if (rest === undefined) {
    // Most of the body may have become rows: read again as a whole, it would add them a second time.
    const { source: _, ...whole } = await quarantinedBody(
      keeping,
      body,
      'too_many_rejected',
      `${what}; this is the body as it was sent`,
    )
    return whole
  }
  const isLong = rest.bytes > rest.head.byteLength
  const objectKey = isLong ? `${quarantineKey(body)}-rest` : null
  if (objectKey !== null) await keeping.objects.putFile(objectKey, rest.path)
  return {
    uniqueId: idOf(body),
    recordNumber: null,
    byteOffset: null,
    reason: 'too_many_rejected',
    detail: `${what}; these are they, one after the other`,
    raw: rest.head,
    rawBytes: rest.bytes,
    objectKey,
    source: sourceOf(body, { format: body.frame.header.format, header: null }, 'identity'),
  }
}

/** What the sender of a body hears of which nothing could be read. */
export function unreadOutcome(uniqueId: string, error: ErrorRecord): ImportOutcome {
  const rejected = [{ recordNumber: null, reason: error.code, detail: error.message }]
  return { uniqueId, accepted: 0, quarantined: 1, rejected, duplicate: false, error }
}

/**
 * Puts the bodies into the quarantine whose job will not run any more. Those that were applied before it ended are left
 * alone.
 */
export async function quarantineBodies(
  { store, objects }: { readonly store: Store; readonly objects: ObjectStore },
  source: FrameSource,
  place: { readonly segment: Segment; readonly accountId: number; readonly spans: readonly Span[] },
  error: ErrorRecord,
): Promise<number> {
  const { frames } = await source.read(place.spans)
  const bodies = frames
    .filter(({ header }) => header.accountId === place.accountId)
    .map((frame) => ({ segment: place.segment, frame }))
  let kept = 0
  for (const [, sameTable] of byTable(bodies)) {
    const applied = await appliedOf(store, sameTable)
    for (const body of sameTable.filter((one) => applied?.has(one) !== true)) {
      const { accountId, database, table } = body.frame.header
      const record = await quarantinedBody({ objects, source }, body, error.code, error.message)
      await store.quarantine(accountId, database, table, [record])
      kept += 1
    }
  }
  return kept
}

async function appliedOf(store: Store, bodies: readonly Body[]): Promise<AppliedBodies | undefined> {
  const header = bodies[0]?.frame.header
  if (header === undefined) return undefined
  try {
    const table = await store.table(header.accountId, header.database, header.table)
    return await AppliedBodies.find(store, table, bodies)
  } catch (error) {
    if (isAppError(error, 'database_not_found') || isAppError(error, 'table_not_found')) return undefined
    throw error
  }
}

/** Bodies by the table they are meant for, in order. */
export function byTable(bodies: readonly Body[]): ReadonlyMap<string, readonly Body[]> {
  const tables = new Map<string, Body[]>()
  let last: { readonly database: string; readonly table: string; readonly bodies: Body[] } | undefined
  for (const body of bodies) {
    const { database, table } = body.frame.header
    if (last === undefined || last.table !== table || last.database !== database) {
      const key = `${database}.${table}`
      const own = tables.get(key) ?? []
      tables.set(key, own)
      last = { database, table, bodies: own }
    }
    last.bodies.push(body)
  }
  return tables
}
