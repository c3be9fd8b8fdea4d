import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'

import type { Biwa } from '../support/biwa.ts'
import { rowsPerBatch } from './ledger.ts'

export type Target = Pick<Biwa, 'url' | 'apiKey'>

/** A door that takes a batch by one request. */
export interface HttpDoor {
  /** And its table. */
  readonly name: string
  /** Whether a batch that is sent again counts once: only then may its sender repeat it. */
  readonly isRepeatable: boolean
  /** Whether the records of a batch are kept one by one: then a part of it may be seen, or be all that came of it. */
  readonly isByRecord?: boolean
  readonly requestOf: (target: Target, batch: string) => { readonly path: string; readonly init: RequestInit }
  /** Whether the answer to a request that did not fail says that everything was kept. */
  readonly isReceipt?: (body: string) => boolean
}

const recordsOf = (batch: string) => Array.from({ length: rowsPerBatch }, (_, n) => ({ batch, n }))
const linesOf = (batch: string) =>
  recordsOf(batch)
    .map((record) => JSON.stringify(record))
    .join('\n')

const bearer = ({ apiKey }: Target) => ({ authorization: `Bearer ${apiKey}` })
const td1 = ({ apiKey }: Target) => ({ authorization: `TD1 ${apiKey}` })
const tables = '/api/v1/databases/test/tables'

export const importDoor: HttpDoor = {
  name: 'imported',
  isRepeatable: true,
  requestOf: (target, batch) => ({
    path: `${tables}/imported/import?id=${batch}&format=ndjson`,
    init: { method: 'POST', headers: bearer(target), body: linesOf(batch) },
  }),
}

/** As `imported`, into the table whose rows are deleted again. */
export const erasableDoor: HttpDoor = {
  ...importDoor,
  name: 'erasable',
  requestOf: (target, batch) => ({
    path: `${tables}/erasable/import?id=${batch}&format=ndjson`,
    init: { method: 'POST', headers: bearer(target), body: linesOf(batch) },
  }),
}

/** Each record with a text that makes the batch large enough for the lane of large bodies. */
const longLinesOf = (batch: string): string => {
  const text = 'x'.repeat(4000)
  return recordsOf(batch)
    .map((record) => JSON.stringify({ ...record, text }))
    .join('\n')
}

/** Connections are shared between doors: those that begin with such a batch are the lane's, until they bring something else. */
const largeDoor: HttpDoor = {
  ...importDoor,
  name: 'large',
  requestOf: (target, batch) => ({
    path: `${tables}/large/import?id=${batch}&format=ndjson`,
    init: { method: 'POST', headers: bearer(target), body: longLinesOf(batch) },
  }),
}

export const httpDoors: readonly HttpDoor[] = [
  importDoor,
  largeDoor,
  {
    name: 'events',
    isRepeatable: false,
    requestOf: (target, batch) => ({
      path: `${tables}/events/events`,
      init: {
        method: 'POST',
        headers: { ...bearer(target), 'content-type': 'application/x-ndjson' },
        body: linesOf(batch),
      },
    }),
  },
  {
    name: 'td',
    isRepeatable: true,
    requestOf: (target, batch) => ({
      path: `/v3/table/import_with_id/test/td/${batch}/msgpack.gz`,
      init: {
        method: 'PUT',
        headers: td1(target),
        body: gzipSync(Buffer.concat(recordsOf(batch).map((record) => encode({ ...record, time: 1_700_000_000 })))),
      },
    }),
  },
  {
    name: 'in_http',
    isRepeatable: true,
    requestOf: (target, batch) => ({
      path: '/fluentd/test/in_http',
      init: {
        method: 'POST',
        headers: { ...bearer(target), 'content-type': 'application/json', 'idempotency-key': batch },
        body: JSON.stringify(recordsOf(batch)),
      },
    }),
  },
  {
    name: 'app',
    isRepeatable: true,
    isByRecord: true,
    requestOf: (target, batch) => ({
      path: '/test/app',
      init: {
        method: 'POST',
        headers: { ...td1(target), 'content-type': 'application/vnd.treasuredata.v1+json' },
        body: JSON.stringify({
          events: recordsOf(batch).map((record) => ({ ...record, uuid: `${batch}-${record.n}` })),
        }),
      },
    }),
    isReceipt(body) {
      const { receipts } = JSON.parse(body) as { receipts: readonly { readonly success: boolean }[] }
      return receipts.length === rowsPerBatch && receipts.every(({ success }) => success)
    },
  },
]

/** Undefined where it may have been kept. */
export type Answer = 'kept' | { readonly refusal: string } | undefined

const patienceMs = 10_000

export async function sendBatch(target: Target, door: HttpDoor, batch: string): Promise<Answer> {
  const { path, init } = door.requestOf(target, batch)
  try {
    const response = await fetch(target.url + path, { ...init, signal: AbortSignal.timeout(patienceMs) })
    const body = await response.text()
    if (response.ok) return door.isReceipt?.(body) === false ? undefined : 'kept'
    const isForGood = response.status < 500 && response.status !== 429 && response.status !== 408
    return isForGood ? { refusal: `${response.status} ${body}` } : undefined
  } catch {
    return undefined
  }
}
