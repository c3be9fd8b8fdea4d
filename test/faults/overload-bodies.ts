import { createHash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'

import { entry, eventTime, fluentdMessage } from '../../src/protocols/fluent/testing/wire.ts'
import { bulkImportOf, rowsPerBody } from './overload-task.ts'
import type { SenderTask } from './overload-task.ts'

export interface SenderRequest {
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** All names of bodies have this length, so that one takes the place of another. */
const nameCharacters = 28
export const placeholder = '#'.repeat(nameCharacters)

/** Much for a door to receive, and little to convert and to keep: what is to be overloaded is the door. */
const padding = randomBytes(5000).toString('hex')

const records = Array.from({ length: rowsPerBody }, (_, n) => ({ chunk: placeholder, n, padding }))

/**
 * Bodies of a quarter of a megabyte that are made in no time, so that one process can send many: all are copies of one, and each
 * of its records says which body it is of.
 */
class Template {
  readonly #bytes: Buffer
  readonly #places: readonly number[]

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    const places: number[] = []
    for (let at = bytes.indexOf(placeholder); at >= 0; at = bytes.indexOf(placeholder, at + 1)) places.push(at)
    this.#places = places
  }

  of(chunk: string): Buffer {
    const copy = Buffer.from(this.#bytes)
    for (const place of this.#places) copy.write(chunk, place, 'latin1')
    return copy
  }
}

const lines = (): Template => new Template(Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join('')))

const packed = (): Template =>
  new Template(Buffer.concat(records.map((record) => encode({ ...record, time: 1_700_000_000 }))))

/** As clients name what they send. */
export const chunkName = ({ name }: SenderTask, number: number): string =>
  `${name}-${number}`.padEnd(nameCharacters, '.')

/** Makes the messages of a chunk for the forward protocol. */
export function forwardMessages(): (chunk: string) => Buffer {
  const entries = records.map((record, n) => entry(eventTime(1_700_000_000, n), record))
  const options = { size: rowsPerBody, chunk: placeholder }
  const template = new Template(fluentdMessage('test.forward', Buffer.concat(entries), options))
  return (chunk) => template.of(chunk)
}

/** Makes the requests of a chunk for the door. */
export function requestsOf(task: SenderTask): (chunk: string, number: number) => SenderRequest {
  const { door, apiKey, name } = task
  const bearer = { authorization: `Bearer ${apiKey}` }
  const td1 = { authorization: `TD1 ${apiKey}` }
  const tables = '/api/v1/databases/test/tables'
  switch (door) {
    case 'import': {
      const template = lines()
      const path = `${tables}/import/import?format=ndjson&id=`
      return (chunk) => ({ path: path + chunk, method: 'POST', headers: bearer, body: template.of(chunk) })
    }
    case 'events': {
      const template = lines()
      const headers = { ...bearer, 'content-type': 'application/x-ndjson' }
      const path = `${tables}/events/events`
      return (chunk) => ({
        path,
        method: 'POST',
        headers: { ...headers, 'idempotency-key': chunk },
        body: template.of(chunk),
      })
    }
    case 'td': {
      const template = packed()
      return (chunk) => {
        const id = createHash('md5').update(chunk).digest('hex')
        const path = `/v3/table/import_with_id/test/td/${id}/msgpack.gz`
        return { path, method: 'PUT', headers: td1, body: gzipSync(template.of(chunk), { level: 0 }) }
      }
    }
    case 'bulk': {
      const template = packed()
      return (chunk, number) => {
        const path = `/v3/bulk_import/upload_part/${bulkImportOf(name, number)}/part-${number}`
        const headers = { ...td1, 'content-type': 'application/octet-stream' }
        return { path, method: 'PUT', headers, body: gzipSync(template.of(chunk), { level: 0 }) }
      }
    }
    case 'in_http': {
      const template = new Template(Buffer.from(JSON.stringify(records)))
      const headers = { ...bearer, 'content-type': 'application/json' }
      const path = '/fluentd/test/in_http'
      return (chunk) => ({
        path,
        method: 'POST',
        headers: { ...headers, 'idempotency-key': chunk },
        body: template.of(chunk),
      })
    }
    default: {
      const template = new Template(Buffer.from(JSON.stringify({ events: records })))
      const origin = 'http://localhost'
      const headers = { ...td1, 'content-type': 'application/vnd.treasuredata.v1.js+json', origin }
      return (chunk) => ({ path: '/test/js?modified=1', method: 'POST', headers, body: template.of(chunk) })
    }
  }
}
