import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'

/** What is sent: `narrow`, an access log of 8 fields, and `wide`, an event of 40 fields with about a kilobyte. */
export type Shape = 'narrow' | 'wide'
export type WireFormat = 'msgpack' | 'ndjson'

type Field = string | number | boolean | null
type WireRecord = Readonly<Record<string, Field>>

/** The record of that number; seconds pass with every ten thousand records. */
export const recordOf: Readonly<Record<Shape, (n: number, start: number) => WireRecord>> = {
  narrow: (n, start) => ({
    time: start + Math.floor(n / 10_000),
    host: `10.0.${n % 200}.${n % 251}`,
    path: `/catalogue/product/${(n * 7919) % 4999}/detail`,
    method: n % 7 === 0 ? 'POST' : 'GET',
    code: n % 50 === 0 ? 404 : 200,
    bytes: (n * 7919) % 100_000,
    user: `user-${(n * 31) % 30_011}`,
    referer: n % 3 === 0 ? '-' : 'https://shop.example/category/games',
  }),
  wide: (n, start) => ({ time: start + Math.floor(n / 10_000), ...Object.fromEntries(wideFields(n)) }),
}

const words = ['view', 'click', 'checkout', 'search', 'login', 'scroll', 'share', 'purchase']

/** Thirteen short texts, thirteen longer ones, and thirteen numbers, every third of which has a fraction. */
function* wideFields(n: number): Generator<[string, Field]> {
  for (let index = 0; index < 13; index += 1) {
    yield [`kind_${index}`, `${words[(n + index) % words.length]}_${(n * (index + 3)) % 97}`]
    yield [`text_${index}`, `shop.example/${words[(n * index) % words.length]}/${(n * 7919 + index) % 99_991}/pages`]
    yield [`value_${index}`, index % 3 === 0 ? ((n * 13 + index) % 10_000) / 100 : (n * (index + 1)) % 1_000_003]
  }
}

export interface Body {
  readonly bytes: Buffer
  readonly inflatedBytes: number
  readonly records: number
}

/** The records from `first` on in one body, without compression. */
export function plainBody(shape: Shape, format: WireFormat, first: number, records: number, start: number): Body {
  const parts = Array.from({ length: records }, (_, index) => {
    const record = recordOf[shape](first + index, start)
    return format === 'msgpack' ? encode(record) : Buffer.from(`${JSON.stringify(record)}\n`)
  })
  const bytes = Buffer.concat(parts)
  return { bytes, inflatedBytes: bytes.byteLength, records }
}

/** Bodies that differ, compressed as Fluentd compresses its chunks. */
export function gzipBodies(shape: Shape, format: WireFormat, count: number, records: number, start: number): Body[] {
  return Array.from({ length: count }, (_, index) => {
    const plain = plainBody(shape, format, index * records, records, start)
    return { ...plain, bytes: gzipSync(plain.bytes) }
  })
}
