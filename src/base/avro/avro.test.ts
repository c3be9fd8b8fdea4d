import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { AppError } from '../errors.ts'
import { readAvroFile } from './read.ts'
import type { AvroRecord, AvroValue } from './schema.ts'
import { writeAvroFile } from './write.ts'

const schema: AvroRecord = {
  type: 'record',
  name: 'row',
  fields: [
    { name: 'flag', type: 'boolean', 'field-id': 1 },
    { name: 'small', type: 'int', 'field-id': 2 },
    { name: 'large', type: ['null', 'long'], default: null, 'field-id': 3 },
    { name: 'real', type: 'double' },
    { name: 'text', type: ['null', 'string'], default: null },
    { name: 'raw', type: 'bytes' },
    { name: 'fixed', type: { type: 'fixed', name: 'four', size: 4 } },
    { name: 'suit', type: { type: 'enum', name: 'suit', symbols: ['clubs', 'hearts'] } },
    { name: 'counts', type: { type: 'map', values: 'long' } },
    {
      name: 'pairs',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'pair',
          fields: [
            { name: 'key', type: 'int' },
            { name: 'value', type: 'bytes' },
          ],
        },
      },
    },
  ],
}

const bytes = (size?: number) =>
  fc.uint8Array(size === undefined ? {} : { minLength: size, maxLength: size }).map((array) => Buffer.from(array))
/** The other implementation reads no longs beyond 2^52. */
const safe = fc.integer({ min: -(2 ** 51), max: 2 ** 51 })
const text = fc.string({ unit: 'grapheme' })

const row = fc.record(
  {
    flag: fc.boolean(),
    small: fc.integer(),
    large: fc.option(safe),
    real: fc.double({ noNaN: true }),
    text: fc.option(text),
    raw: bytes(),
    fixed: bytes(4),
    suit: fc.constantFrom('clubs', 'hearts'),
    counts: fc.dictionary(text, safe, { noNullPrototype: true }),
    pairs: fc.array(fc.record({ key: fc.integer(), value: bytes() }, { noNullPrototype: true })),
  },
  { noNullPrototype: true },
)

/** What another implementation reads from the file. */
async function readElsewhere(file: Buffer): Promise<unknown[]> {
  const decoder = new avsc.streams.BlockDecoder({ parseHook: (written) => avsc.Type.forSchema(written) })
  const records: unknown[] = []
  decoder.on('data', (record) => records.push(JSON.parse(JSON.stringify(record))))
  const ended = new Promise((resolve, reject) => decoder.on('end', resolve).on('error', reject))
  decoder.end(file)
  await ended
  return records
}

describe('Avro files', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const file = readAvroFile('test', writeAvroFile(schema, rows as AvroValue[], { 'format-version': '2' }))
        expect(file.metadata.get('format-version')).toBe('2')
        expect(file.records).toEqual(rows)
      }),
    )
  })

  test('are read by another implementation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row), async (rows) => {
        // The other one takes this key for a command.
        fc.pre(rows.every(({ counts }) => !Object.hasOwn(counts, '__proto__')))
        const found = await readElsewhere(writeAvroFile(schema, rows as AvroValue[], {}))
        expect(found).toEqual(JSON.parse(JSON.stringify(rows)))
      }),
      { numRuns: 50 },
    )
  })

  test('of many records have several blocks', async () => {
    const rows = Array.from({ length: 5_000 }, (_, key) => ({
      key,
      value: Buffer.from(`value ${key} of many`.repeat(4)),
    }))
    const pair: AvroRecord = {
      type: 'record',
      name: 'pair',
      fields: [
        { name: 'key', type: 'int' },
        { name: 'value', type: 'bytes' },
      ],
    }
    const file = writeAvroFile(pair, rows, {})
    expect(readAvroFile('test', file).records).toEqual(rows)
    expect(await readElsewhere(file)).toHaveLength(rows.length)
  })

  test('hold longs beyond what numbers do', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (long) => {
        const { records } = readAvroFile('test', writeAvroFile('long', [long], {}))
        expect(BigInt(records[0] as number)).toBe(long)
      }),
    )
  })

  test('keep the attributes of the schema in their header', () => {
    const { metadata } = readAvroFile('test', writeAvroFile(schema, [], {}))
    expect(JSON.parse(metadata.get('avro.schema') ?? '')).toEqual(schema)
  })

  test('that are damaged are refused, and never end the process', () => {
    const file = writeAvroFile(schema, fc.sample(row, 5) as AvroValue[], {})
    fc.assert(
      fc.property(fc.nat(file.byteLength - 1), fc.nat(255), fc.boolean(), (at, byte, isCut) => {
        const broken = isCut ? file.subarray(0, at) : Buffer.from(file)
        if (!isCut) broken[at] = byte
        try {
          readAvroFile('test', broken)
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('of a codec that we lack say so', () => {
    const file = writeAvroFile('long', [1], {})
    const other = Buffer.from(file.toString('latin1').replace('deflate', 'bzip2xx'), 'latin1')
    expect(() => readAvroFile('the.avro', other)).toThrow('the.avro is compressed with bzip2xx')
  })
})
