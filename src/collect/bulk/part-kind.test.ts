import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { headBytes, partKind } from './part-kind.ts'

const head = (bytes: Uint8Array) => Buffer.from(bytes).subarray(0, headBytes)

describe('the kind of a part', () => {
  it('is told by its bytes, whatever its name', () => {
    const records = Buffer.concat([encode({ time: 1, a: 'b' }), encode({ time: 2 })])
    for (const name of ['part', 'part.csv', 'part.json', 'part.gz']) {
      expect(partKind(name, head(records))).toEqual({ format: 'msgpack', encoding: 'identity' })
      expect(partKind(name, head(gzipSync(records)))).toEqual({ format: 'msgpack', encoding: 'gzip' })
    }
    expect(partKind('part', head(Buffer.from('\n{"a":1}\n')))).toEqual({ format: 'ndjson', encoding: 'identity' })
    expect(partKind('part', head(gzipSync('[{"a":1}]')))).toEqual({ format: 'json', encoding: 'gzip' })
    expect(partKind('part', head(Buffer.from('PAR1…')))).toEqual({ format: 'parquet', encoding: 'identity' })
    const zstd = Buffer.from('28b52ffd0407410000', 'hex')
    expect(partKind('part', head(zstd)).encoding).toBe('zstd')
  })

  it('is told by the name where the bytes are any text', () => {
    expect(partKind('part.csv', head(gzipSync('a,b\n1,2\n')))).toEqual({ format: 'csv', encoding: 'gzip' })
    expect(partKind('part.tsv', head(Buffer.from('a\tb\n')))).toEqual({ format: 'tsv', encoding: 'identity' })
    expect(partKind('part', head(Buffer.from('a,b\n')))).toEqual({ format: 'msgpack', encoding: 'identity' })
  })

  it('is told of every record that MessagePack can write, however much follows', () => {
    const record = fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string(), fc.boolean()))
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), (records) => {
        const body = Buffer.concat(records.map((one) => encode(one)))
        expect(partKind('part.csv', head(gzipSync(body)))).toEqual({ format: 'msgpack', encoding: 'gzip' })
      }),
    )
  })

  it('is something for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isGzip) => {
        const start = isGzip ? Buffer.from([0x1f, 0x8b, 8, ...bytes]) : Buffer.from(bytes)
        expect(partKind('part', start).format).toBeTypeOf('string')
      }),
    )
  })
})
