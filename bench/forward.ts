import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'

import { decodeMulti, encode } from '@msgpack/msgpack'

import { entry, eventTime, fluentdMessage } from '../src/protocols/fluent/testing/wire.ts'
import { startBiwa } from '../test/support/biwa.ts'
import type { Biwa } from '../test/support/biwa.ts'
import { freePort } from '../test/support/free-port.ts'
import type { Options } from './options.ts'
import type { Outcome } from './outcome.ts'

const recordsPerChunk = 10_000
const atOnce = 8

/**
 * Records that are acknowledged in a second, by the forward port and by the import operation of our own API, of the same records in
 * chunks of the same size, so many at once. The yardstick is msgpack.gz over HTTP.
 */
export async function run(options: Options): Promise<Outcome> {
  const chunks = options.number('chunks')
  const port = await freePort()
  const first = await startBiwa()
  await first.stop({ keep: true })
  const { apiKey, dataDirectory } = first
  const biwa = await startBiwa({ dataDirectory, arguments: [`--fluent-port=${port}`, `--fluent-api-key=${apiKey}`] })
  try {
    const records = Array.from({ length: recordsPerChunk }, (_, n) => recordOf(n))
    const entries = Buffer.concat(records.map((record, n) => entry(eventTime(1_700_000_000, n), record)))
    const msgpack = Buffer.concat(records.map((record) => encode({ time: 1_700_000_000, ...record })))
    const gzip = { entries: gzipSync(entries), msgpack: gzipSync(msgpack) }
    const figures = {
      'HTTP msgpack.gz': await measured(chunks, () => overHttp(biwa, chunks, gzip.msgpack)),
      'forward gzip': await measured(chunks, () => overForward(port, chunks, gzip.entries, { compressed: 'gzip' })),
      'forward plain': await measured(chunks, () => overForward(port, chunks, entries, {})),
    }
    const yardstick = figures['HTTP msgpack.gz']
    console.log(`${chunks} chunks of ${recordsPerChunk} records, ${atOnce} at once, until each is acknowledged`)
    for (const [name, rate] of Object.entries(figures)) {
      const thousands = String(Math.round(rate / 1000)).padStart(6)
      console.log(`${name.padEnd(16)} ${thousands} k records/s  ${(rate / yardstick).toFixed(2)} × HTTP msgpack.gz`)
    }
    return {
      figures,
      sections: [
        {
          kind: 'amounts',
          title: 'Acknowledged',
          unit: 'records/s',
          better: 'more',
          yardstick: 'HTTP msgpack.gz',
          rows: { 'chunks of 10,000': figures },
        },
      ],
    }
  } finally {
    await biwa.stop()
  }
}

const recordOf = (n: number) => ({
  host: `10.0.${n % 200}.${n % 251}`,
  path: `/item/${n % 4999}/detail`,
  code: n % 50 === 0 ? 404 : 200,
  bytes: (n * 7919) % 100_000,
})

/** Records in a second. */
async function measured(chunks: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (chunks * recordsPerChunk * 1000) / (performance.now() - start)
}

async function overHttp(biwa: Biwa, chunks: number, body: Buffer): Promise<void> {
  let next = 0
  const sendSome = async (): Promise<void> => {
    while (next < chunks) {
      const path = `/api/v1/databases/bench/tables/http/import?format=msgpack&id=${next++}`
      const response = await biwa.request(path, { method: 'POST', headers: { 'content-encoding': 'gzip' }, body })
      if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`)
      await response.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, sendSome))
}

async function overForward(port: number, chunks: number, entries: Buffer, framing: object): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let sent = 0
  let acknowledged = 0
  const send = (): void => {
    const chunk = `${entries.byteLength}-${sent++}`
    socket.write(fluentdMessage('bench.forward', entries, { ...framing, chunk }))
  }
  await new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error('the connection was closed')))
    socket.on('data', (part: Buffer) => {
      for (const _ of decodeMulti(part)) {
        acknowledged += 1
        if (sent < chunks) send()
        if (acknowledged === chunks) resolve()
      }
    })
    for (let open = 0; open < atOnce; open += 1) send()
  })
  socket.destroy()
}
