import { encode } from '@msgpack/msgpack'

import { createSplitter } from '../src/collect/split/split.ts'
import type { SplitFormat } from '../src/collect/split/splitter.ts'

const records = 200_000
const rounds = 5
const limits = {
  depthMax: 64,
  recordBytesMax: 4 << 20,
  columnsMax: 2000,
  nameBytesMax: 255,
  nestedValuesMax: 1_000_000,
}

/** The splitter on one core beside `JSON.parse` of the same lines: the bare library, which builds objects and no columns. */
export async function run(): Promise<unknown> {
  const narrow = Array.from({ length: records }, (_, index) => ({
    time: 1_700_000_000 + index,
    host: `10.0.${index % 200}.${index % 251}`,
    path: `/item/${index % 4999}/detail`,
    method: index % 7 === 0 ? 'POST' : 'GET',
    code: index % 50 === 0 ? 404 : 200,
    bytes: (index * 7919) % 100_000,
    user: `user-${index % 30_011}`,
    referer: index % 3 === 0 ? '-' : '/category/games',
  }))
  const ndjson = Buffer.from(narrow.map((record) => JSON.stringify(record)).join('\n'))
  const msgpack = Buffer.concat(narrow.map((record) => encode(record)))
  const figures = {
    'ndjson split': rate(() => split(ndjson, 'ndjson'), ndjson),
    'msgpack split': rate(() => split(msgpack, 'msgpack'), msgpack),
    'JSON.parse': rate(() => parseLines(ndjson), ndjson),
  }
  console.log(
    `${records} narrow records (${Math.round(ndjson.byteLength / records)} B of JSON), median of ${rounds}, one core`,
  )
  const yardstick = figures['JSON.parse'].recordsPerSecond
  for (const [name, { recordsPerSecond, megabytesPerSecond }] of Object.entries(figures)) {
    const thousands = Math.round(recordsPerSecond / 1000)
    console.log(
      `${name.padEnd(14)} ${String(thousands).padStart(6)} k records/s  ${megabytesPerSecond.toFixed(0).padStart(5)} MB/s  ${(recordsPerSecond / yardstick).toFixed(2)} × JSON.parse`,
    )
  }
  return figures
}

function rate(work: () => number, body: Buffer): { recordsPerSecond: number; megabytesPerSecond: number } {
  work()
  const seconds = Array.from({ length: rounds }, () => {
    const start = performance.now()
    if (work() !== records) throw new Error('records were lost')
    return (performance.now() - start) / 1000
  }).toSorted((a, b) => a - b)
  const median = seconds[Math.floor(rounds / 2)] ?? Number.NaN
  return { recordsPerSecond: records / median, megabytesPerSecond: body.byteLength / median / 1e6 }
}

function split(bytes: Buffer, format: SplitFormat): number {
  const body = { bytes, format, timeColumn: null, receivedAtUs: 1_700_000_000_000_000 }
  return createSplitter().split([body], [], limits).rows
}

function parseLines(bytes: Buffer): number {
  let count = 0
  for (const line of bytes.toString().split('\n')) if (typeof JSON.parse(line) === 'object') count++
  return count
}
