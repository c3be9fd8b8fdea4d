import { once } from 'node:events'
import { connect } from 'node:net'

import { decodeMulti } from '@msgpack/msgpack'

import { entry, eventTime, fluentdMessage } from '../../src/protocols/fluent/testing/wire.ts'
import { gzipSync } from 'node:zlib'
import { quantiles } from '../quantiles.ts'
import { HttpLine, postHead } from './http-line.ts'
import { openLoop } from './open-loop.ts'
import type { Line } from './open-loop.ts'
import { gzipBodies, recordOf } from './shapes.ts'
import type { Body } from './shapes.ts'
import type { LoadOrder, LoadReport } from './load.ts'

/**
 * A process of its own that sends load: it prepares its bodies, says so, and sends them when it is told to. Every body has
 * an id of its own, so nothing is taken for a repetition.
 */
process.on('message', (order: LoadOrder) => {
  void load(order).then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')

/** Bodies that differ; they are sent in turn. */
const bodiesMade = 8

async function load(order: LoadOrder): Promise<LoadReport> {
  const { perSecond, seconds, comesAgain, recordsEach, lines: count } = order
  const bodies = bodiesOf(order)
  const lines = await Promise.all(Array.from({ length: count }, (_, index) => openLine(order, bodies, index)))
  const rate = perSecond === null ? undefined : perSecond / recordsEach
  const result = await openLoop(lines, { perSecond: rate, seconds, comesAgain }, (acknowledged) => {
    process.send?.({ acknowledged: acknowledged * recordsEach })
  })
  for (const line of lines) line.close()
  const bytes = (of: (body: Body) => number) =>
    bodies.reduce((sum, body) => sum + of(body), 0) / bodies.length / recordsEach
  return {
    acknowledged: result.acknowledged * recordsEach,
    refused: result.refused * recordsEach,
    ackMs: quantiles(result.latenciesMs),
    refusalMs: quantiles(result.refusalsMs),
    bytesEach: bytes(({ inflatedBytes }) => inflatedBytes),
    sentBytesEach: bytes((body) => body.bytes.byteLength),
  }
}

function bodiesOf({ door, shape, format, recordsEach, startSeconds }: LoadOrder): Body[] {
  switch (door) {
    case 'import':
      return gzipBodies(shape, format, bodiesMade, recordsEach, startSeconds)
    case 'forward':
      return Array.from({ length: bodiesMade }, (_, index) => {
        const entries = Array.from({ length: recordsEach }, (_entry, n) => {
          const { time, ...record } = recordOf[shape](index * recordsEach + n, startSeconds)
          return entry(eventTime(Number(time)), record)
        })
        const inflated = Buffer.concat(entries)
        return { bytes: gzipSync(inflated), inflatedBytes: inflated.byteLength, records: recordsEach }
      })
    case 'events':
    case 'bare':
      return Array.from({ length: bodiesMade }, (_, index) => {
        const bytes = Buffer.from(JSON.stringify(recordOf[shape](index, startSeconds)))
        return { bytes, inflatedBytes: bytes.byteLength, records: 1 }
      })
  }
}

async function openLine(order: LoadOrder, bodies: readonly Body[], index: number): Promise<Line> {
  if (order.door === 'forward') return await openForward(order, bodies, index)
  const { port, apiKey, table, format, door, run } = order
  const line = await HttpLine.open(port)
  const place = `/api/v1/databases/bench/tables/${table}`
  return {
    async send(number) {
      const { bytes } = bodies[number % bodies.length] as Body
      const status =
        door === 'import'
          ? await line.send(importHead(`${place}/import?format=${format}&id=${run}-${number}`, apiKey, bytes), bytes)
          : await line.send(
              postHead(`${place}/events`, apiKey, bytes.byteLength, ['content-type: application/json']),
              bytes,
            )
      if (status !== 202 && status !== 429 && status !== 503) throw new Error(`the server answered ${status}`)
      return { acknowledged: status === 202, retryAfterSeconds: line.retryAfterSeconds }
    },
    close: () => line.close(),
  }
}

const importHead = (path: string, apiKey: string, bytes: Buffer): string =>
  postHead(path, apiKey, bytes.byteLength, ['content-encoding: gzip', 'content-type: application/octet-stream'])

/** A connection of the forward protocol, on which one chunk waits for its acknowledgement. */
async function openForward({ port, table, run }: LoadOrder, bodies: readonly Body[], index: number): Promise<Line> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let acknowledge: (chunk: unknown) => void = () => {}
  socket.on('data', (part: Buffer) => {
    for (const answer of decodeMulti(part)) acknowledge((answer as { ack: unknown }).ack)
  })
  return {
    send: (number) =>
      new Promise((resolve, reject) => {
        const chunk = `${run}-${index}-${number}`
        acknowledge = (ack) =>
          ack === chunk ? resolve({ acknowledged: true }) : reject(new Error('another chunk was acknowledged'))
        const { bytes } = bodies[number % bodies.length] as Body
        socket.write(fluentdMessage(`bench.${table}`, bytes, { compressed: 'gzip', chunk }))
      }),
    close: () => socket.destroy(),
  }
}
