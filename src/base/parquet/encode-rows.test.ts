import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemDisk } from '../disk.ts'
import { copiedFile } from '../duckdb/copied-file.ts'
import { must } from '../errors.ts'
import type { EncodedGroup } from './encode-rows.ts'
import { encodeRows } from './encode-rows.ts'
import { joinFiles } from './join-files.ts'
import { readPart } from './part-footer.ts'
import { NativeEncoder } from './native-encoder.ts'
import {
  anyRow,
  booleanVector,
  bytesVector,
  column,
  columnsOf,
  doubleVector,
  fixedVector,
  int32Vector,
  int64Vector,
  mapVector,
  none,
  text,
} from './testing/any-columns.ts'
import { compiledEncoder } from './testing/compile-encoder.ts'
import type { ParquetColumn } from './vectors.ts'
import type { ParquetVersion } from './version.ts'
import { writeGroups } from './write-groups.ts'
import { writePlainParquet } from './write-plain.ts'

const directory = mkdtempSync(join(tmpdir(), 'encode-rows-'))
let duckdb: DuckDBConnection
let native: NativeEncoder

beforeAll(async () => {
  native = await compiledEncoder()
  duckdb = await (await DuckDBInstance.create()).connect()
})

afterAll(() => {
  duckdb.closeSync()
  rmSync(directory, { recursive: true })
})

let files = 0
const newPath = () => join(directory, `${files++}.parquet`)

interface Cut {
  readonly groupRowsMax?: number
  readonly version?: ParquetVersion
}

function write(columns: readonly ParquetColumn[], rows: number, { groupRowsMax = 100_000, version = 'v2' }: Cut = {}) {
  const groups = encodeRows(native, columns, rows, { groupRowsMax, version })
  return writeFile(groups, columns, version)
}

function writeFile(groups: readonly EncodedGroup[], columns: readonly ParquetColumn[], version: ParquetVersion) {
  const file = writeGroups(native, groups, columns, version)
  const bytes = Buffer.concat(file.parts)
  expect(file.bytes).toBe(bytes.byteLength)
  const path = newPath()
  writeFileSync(path, bytes)
  return { path, facts: file.columns, rows: file.rows }
}

function writePlain(columns: readonly ParquetColumn[], rows: number) {
  const path = newPath()
  writeFileSync(path, writePlainParquet(columns, rows).bytes)
  return path
}

async function select(query: string): Promise<unknown[][]> {
  return (await duckdb.runAndReadAll(query)).getRowsJS()
}

/** Bytes that are no text, and exact decimals, as text. */
const values = (path: string) =>
  select(`select * replace (hex(blob) as blob, decimal::varchar as decimal) from '${path}'`)

/** Rows of which many are the same, so that there are dictionaries and runs. */
const anyRows = fc
  .tuple(
    fc.array(anyRow, { minLength: 1, maxLength: 30 }),
    fc.array(fc.nat(), { minLength: 1, maxLength: 700, size: 'max' }),
  )
  .map(([rows, picks]) => picks.map((pick) => must(rows[pick % rows.length], 'a row')))

const anyCut = fc.record({
  groupRowsMax: fc.constantFrom(7, 100, 1000),
  version: fc.constantFrom('v1' as const, 'v2' as const),
})

/** The number that has this hash in the tables of dictionaries (`quickWordHash` of assembly/hash.ts), as whoever means harm would find it. */
function wordOfHash(hash: bigint): bigint {
  const inverse = (factor: bigint): bigint => {
    let found = factor
    for (let bits = 3; bits < 64; bits *= 2) found = BigInt.asUintN(64, found * (2n - factor * found))
    return found
  }
  const folded = BigInt.asUintN(64, hash * inverse(0x165667b19e3779f9n))
  return BigInt.asIntN(64, (folded ^ (folded >> 32n)) * inverse(0x9e3779b185ebca87n))
}

describe('encodeRows', () => {
  it('makes files that DuckDB reads to the same values as plain ones', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, anyCut, async (rows, cut) => {
        const columns = columnsOf(rows)
        const [encoded, plain] = [write(columns, rows.length, cut), writePlain(columns, rows.length)]
        expect(await values(encoded.path)).toEqual(await values(plain))
      }),
      { numRuns: 60 },
    )
  })

  it('tells of the columns what COPY tells of the same rows', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, anyCut, async (rows, cut) => {
        const columns = columnsOf(rows)
        const { facts } = write(columns, rows.length, cut)
        const copied = await duckdb.runAndReadAll(
          `copy (from '${writePlain(columns, rows.length)}') to '${newPath()}' (format parquet, return_stats true)`,
        )
        const { columns: told } = copiedFile(must(copied.getRows()[0], 'a file'))
        // Queries do not prune by bounds of bytes and of nested columns, and the latter's nulls are counted in another place.
        for (const { fieldId, name } of columns.filter((one) => one.name !== 'map' && one.name !== 'blob')) {
          const { bytes: _, ...own } = must(facts[fieldId], 'facts of every column')
          const { bytes: __, ...expected } = must(told[`"${name}"`] ?? told[name], 'COPY tells of every column')
          const flags: Record<string, string> = { false: '0', true: '1' }
          const bound = (value?: string) => (name === 'flag' ? flags[value ?? ''] : value)
          expect([name, { ...own, min: bound(own.min), max: bound(own.max) }]).toEqual([name, expected])
        }
      }),
      { numRuns: 60 },
    )
  })

  it('takes dictionaries where values repeat, and else what suits the type, but in v1 what is old', async () => {
    const rows = 5000
    const numbers = Array.from({ length: rows }, (_, row) => row)
    const scattered = numbers.map((row) => (BigInt(row) ** 3n * 0x9e3779b97f4a7c15n) & 0x7fff_ffff_ffff_ffffn)
    const columns = [
      column(1, 'time', int64Vector(numbers.map((row) => BigInt(1_700_000_000 + (row >> 8)))), none, true),
      column(2, 'scattered', int64Vector(scattered)),
      column(3, 'few', int64Vector(numbers.map((row) => scattered[row % 9] ?? null))),
      column(4, 'word', bytesVector(numbers.map((row) => `word ${row % 90}`)), text),
      column(5, 'one', bytesVector(numbers.map(() => 'the same')), text),
      column(6, 'line', bytesVector(numbers.map((row) => `line ${row} of a text that goes on`)), text),
      column(7, 'price', doubleVector(numbers.map((row) => (row % 40) / 8))),
      column(8, 'noise', doubleVector(numbers.map((row) => Math.sin(row)))),
      column(9, 'flag', booleanVector(numbers.map((row) => row % 3 === 0))),
      column(10, 'day', int32Vector(numbers.map((row) => row >> 4)), { kind: 'date' }),
      column(11, 'wide', fixedVector(numbers.map((row) => BigInt(row))), { kind: 'decimal', precision: 38, scale: 2 }),
      column(12, 'none', bytesVector(numbers.map(() => null)), text),
    ]
    const encodingsOf = async (version: ParquetVersion) => {
      const { path } = write(columns, rows, { version })
      expect(await select(`from '${path}'`)).toEqual(await select(`from '${writePlain(columns, rows)}'`))
      const found = await select(
        `select path_in_schema, string_split(encodings, ', ')[1], compression from parquet_metadata('${path}') order by column_id`,
      )
      return Object.fromEntries(found.map(([name, encoding, codec]) => [name, `${String(encoding)} ${String(codec)}`]))
    }
    expect(await encodingsOf('v2')).toEqual({
      time: 'DELTA_BINARY_PACKED SNAPPY',
      scattered: 'DELTA_BINARY_PACKED UNCOMPRESSED',
      few: 'RLE_DICTIONARY SNAPPY',
      word: 'RLE_DICTIONARY SNAPPY',
      one: 'RLE_DICTIONARY UNCOMPRESSED',
      line: 'DELTA_LENGTH_BYTE_ARRAY SNAPPY',
      price: 'RLE_DICTIONARY SNAPPY',
      noise: 'PLAIN UNCOMPRESSED',
      flag: 'PLAIN SNAPPY',
      day: 'DELTA_BINARY_PACKED SNAPPY',
      wide: 'PLAIN SNAPPY',
      none: 'DELTA_LENGTH_BYTE_ARRAY UNCOMPRESSED',
    })
    expect(await encodingsOf('v1')).toMatchObject({
      time: 'PLAIN_DICTIONARY SNAPPY',
      scattered: 'PLAIN UNCOMPRESSED',
      line: 'PLAIN SNAPPY',
      day: 'PLAIN_DICTIONARY SNAPPY',
      none: 'PLAIN UNCOMPRESSED',
    })
  })

  it('calls dictionaries in the headers of their pages as the version does', () => {
    const columns = [column(1, 'word', bytesVector(Array.from({ length: 40 }, () => 'same')), text)]
    const hexOf = (version: ParquetVersion) => readFileSync(write(columns, 40, { version }).path).toString('hex')
    // How many values, then the encoding: of the entries, and of the places with that of their levels.
    expect(hexOf('v1')).toMatch(/4c1502150400.*2c15501504150615060000/u)
    expect(hexOf('v2')).toMatch(/4c1502150000.*2c15501510150615060000/u)
  })

  it('gives a dictionary up whose values were made to meet in one slot of its table', async () => {
    const encodingOf = async (distinct: readonly bigint[]) => {
      const numbers = Array.from({ length: distinct.length * 8 }, (_, row) =>
        must(distinct[row % distinct.length], 'it is there'),
      )
      const { path } = write([column(1, 'n', int64Vector(numbers))], numbers.length)
      const [[sum] = []] = await select(`select sum(n)::varchar from '${path}'`)
      expect(sum).toBe(String(numbers.reduce((total, number) => total + number, 0n)))
      return (await select(`select encodings from parquet_metadata('${path}')`)).flat()
    }
    const withHashes = (hashOf: (place: bigint) => bigint) =>
      encodingOf(Array.from({ length: 2000 }, (_, place) => wordOfHash(BigInt.asUintN(64, hashOf(BigInt(place))))))
    expect(await withHashes((place) => place * 0x9e3779b185ebca87n)).toEqual(['RLE_DICTIONARY, RLE, PLAIN'])
    expect(await withHashes((place) => (7n << 32n) | place)).toEqual(['DELTA_BINARY_PACKED, RLE'])
  })

  it('keeps whole numbers of any size and distance', async () => {
    const extreme = fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n, 2n ** 53n + 1n)
    const anyInt64 = fc.oneof(
      extreme,
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -9n, max: 9n }),
    )
    const anyInt32 = fc.oneof(
      fc.constantFrom(-(2 ** 31), 2 ** 31 - 1),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    )
    const anyPair = fc.tuple(fc.option(anyInt64), fc.option(anyInt32))
    await fc.assert(
      fc.asyncProperty(fc.array(anyPair, { minLength: 1, maxLength: 400, size: 'max' }), async (pairs) => {
        const columns = [
          column(1, 'long', int64Vector(pairs.map(([long]) => long))),
          column(2, 'short', int32Vector(pairs.map(([, short]) => short))),
        ]
        const { path } = write(columns, pairs.length)
        expect(await select(`select long, short from '${path}'`)).toEqual(pairs)
      }),
      { numRuns: 60 },
    )
  })

  it('compresses texts of any repetition, over the 64 KiB within which it is looked for', async () => {
    const piece = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('a', 'abc', 'https://shop.example/'))
    const anyText = fc.tuple(fc.array(piece, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 9000 }))
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { minLength: 1, maxLength: 4 }), async (made) => {
        const texts = made.map(([pieces, times]) =>
          pieces
            .join('')
            .repeat(times)
            .replace(/^\uFEFF/, ''),
        )
        const { path } = write([column(1, 'text', bytesVector(texts), text)], texts.length)
        expect(await select(`select text from '${path}'`)).toEqual(texts.map((one) => [one]))
      }),
      { numRuns: 60 },
    )
  })

  it('writes bloom filters that have every value, and few others', async () => {
    const rows = 20_000
    const users = Array.from({ length: rows }, (_, row) => `user ${(row * 31) % 3000}`)
    const codes = Array.from({ length: rows }, (_, row) => BigInt(((row * 17) % 2000) * 1_000_003))
    const { path } = write([column(1, 'user', bytesVector(users), text), column(2, 'code', int64Vector(codes))], rows)
    const probed = async (name: string, probes: readonly string[]) => {
      let count = 0
      for (const probe of probes) {
        const [[excludes] = []] = await select(
          `select bloom_filter_excludes from parquet_bloom_probe('${path}', '${name}', ${probe})`,
        )
        if (excludes === true) count += 1
      }
      return count
    }
    const present = Array.from({ length: 60 }, (_, index) => index * 33)
    expect(
      await probed(
        'user',
        present.map((n) => `'user ${n}'`),
      ),
    ).toBe(0)
    expect(
      await probed(
        'code',
        present.map((n) => `${n * 1_000_003}`),
      ),
    ).toBe(0)
    expect(
      await probed(
        'user',
        present.map((n) => `'nobody ${n}'`),
      ),
    ).toBeGreaterThan(50)
    expect(
      await probed(
        'code',
        present.map((n) => `${n * 1_000_003 + 1}`),
      ),
    ).toBeGreaterThan(50)
  })

  it('writes none of doubles, of which equal ones have other bits', async () => {
    const bits = [...Array<bigint>(100).fill(1n << 63n), ...Array<bigint>(100).fill(0xfff8n << 48n)]
    const values = new Float64Array(BigUint64Array.from(bits).buffer)
    const { path } = write([column(1, 'd', { kind: 'double', valid: new Uint8Array(200).fill(1), values })], 200, {
      groupRowsMax: 100,
    })
    expect(await select(`select encodings, bloom_filter_offset from parquet_metadata('${path}')`)).toEqual([
      ['RLE_DICTIONARY, RLE, PLAIN', null],
      ['RLE_DICTIONARY, RLE, PLAIN', null],
    ])
    expect(await select(`select count(*) from '${path}' where d = 0.0`)).toEqual([[100n]])
    expect(await select(`select count(*) from '${path}' where d = 'nan'`)).toEqual([[100n]])
  })

  it('puts groups of other columns into one file, where what a group lacks is null', async () => {
    const time = (rows: number) => column(1, 'time', int64Vector(Array.from({ length: rows }, () => 7n)), none, true)
    const word = column(2, 'word', bytesVector(['x', 'y', 'x']), text)
    const map = column(3, 'map', mapVector([[['k', 'v']], null]))
    const options = { groupRowsMax: 100, version: 'v2' } as const
    const groups = [
      ...encodeRows(native, [time(1)], 1, options),
      ...encodeRows(native, [time(3), word], 3, options),
      ...encodeRows(native, [time(2), map], 2, options),
    ]
    const { path, facts, rows } = writeFile(groups, [time(0), word, map], 'v2')
    expect(rows).toBe(6)
    expect(await select(`select word, map_keys(map) from '${path}'`)).toEqual([
      [null, null],
      ['x', null],
      ['y', null],
      ['x', null],
      [null, ['k']],
      [null, null],
    ])
    expect(facts).toMatchObject({ 1: { nulls: 0 }, 2: { nulls: 3, min: 'x', max: 'y' }, 3: { nulls: 5 } })
  })

  it('leaves NaN out of the bounds and says that it is there, and signs zeros so that readers miss neither', async () => {
    const doubles = [Number.NaN, 0, -0, null, Number.NaN, 0, 0, 0, 0, 0, 0, 0]
    const { path, facts } = write([column(1, 'd', doubleVector(doubles))], doubles.length)
    expect(facts[1]).toMatchObject({ nulls: 1, min: '0.0', max: '0.0', nan: true })
    const bounds = await select(`select stats_min_value, stats_max_value from parquet_metadata('${path}')`)
    expect(bounds).toEqual([[null, null]])
    expect(await select(`select count(*) from '${path}' where d = 0`)).toEqual([[9n]])
    const plain = writePlain([column(1, 'd', doubleVector(doubles))], doubles.length)
    for (const file of [path, plain]) {
      expect(await select(`select count(*) from '${file}' where d = 'nan'`)).toEqual([[2n]])
      expect(await select(`select count(*) from '${file}' where d > 100`)).toEqual([[2n]])
    }
    const zeros = write([column(1, 'd', doubleVector([0, 0, 0]))], 3).path
    expect(await select(`select stats_min_value, stats_max_value from parquet_metadata('${zeros}')`)).toEqual([
      ['-0.0', '0.0'],
    ])
    const of = (values: readonly (number | null)[], groupRowsMax = 100) => {
      return write([column(1, 'd', doubleVector(values))], values.length, { groupRowsMax }).facts[1]
    }
    expect(of([Number.NaN, Number.NaN])).toEqual({ bytes: expect.any(Number), nulls: 0, nan: true })
    expect(of([1.5, null])).toMatchObject({ min: '1.5', max: '1.5', nan: false })
    expect(of([null])).toEqual({ bytes: expect.any(Number), nulls: 1, nan: false })
    expect(of([3, Number.NaN, -1], 1)).toMatchObject({ min: '-1.0', max: '3.0', nan: true })
  })

  it('leaves long bounds out', async () => {
    const { path, facts } = write([column(1, 's', bytesVector(['x'.repeat(300_000), 'y']), text)], 2)
    expect(facts[1]).toMatchObject({ nulls: 0, max: 'y' })
    expect(facts[1]).not.toHaveProperty('min')
    expect(await select(`select strlen(s) from '${path}'`)).toEqual([[300_000n], [1n]])
  })

  it('can be joined with files of other columns', async () => {
    const names = columnsOf([]).map(({ name }) => name)
    const anyMissing = fc.subarray(names.filter((name) => name !== 'required'))
    await fc.assert(
      fc.asyncProperty(fc.tuple(anyRows, anyMissing), fc.tuple(anyRows, anyMissing), async (...given) => {
        const parts = given.map(async ([rows, missing]) => {
          const columns = columnsOf(rows).filter(({ name }) => !missing.includes(name))
          const { path } = write(columns, rows.length, { groupRowsMax: 200 })
          return must(await readPart(systemDisk, { path, crc32: crc32(readFileSync(path)) }), 'it has a footer')
        })
        const target = newPath()
        expect(await joinFiles(systemDisk, await Promise.all(parts), target)).toBe(statSync(target).size)
        const all = given.flatMap(([rows, missing]) => {
          return rows.map((row) => ({ ...row, ...Object.fromEntries(missing.map((name) => [name, null])) }))
        })
        const present = names.filter((name) => given.some(([, missing]) => !missing.includes(name)))
        const plain = writePlain(columnsOf(all), all.length)
        const shown = present.map((name) =>
          name === 'blob' ? 'hex(blob)' : name === 'decimal' ? 'decimal::varchar' : name,
        )
        const asked = `select ${shown.join(', ')} from`
        expect(await select(`${asked} '${target}'`)).toEqual(await select(`${asked} '${plain}'`))
      }),
      { numRuns: 30 },
    )
  })

  it('can be joined with others of its own and with plain ones, and not with those of other versions', async () => {
    const rows = 3000
    const columns = [
      column(1, 'time', int64Vector(Array.from({ length: rows }, (_, row) => BigInt(row))), none, true),
      column(2, 'word', bytesVector(Array.from({ length: rows }, (_, row) => `word ${row % 40}`)), text),
    ]
    const of = async (path: string) =>
      must(await readPart(systemDisk, { path, crc32: crc32(readFileSync(path)) }), 'it has a footer')
    const plain = newPath()
    writeFileSync(plain, writePlainParquet(columns, rows, { version: 'v2' }).bytes)
    const encoded = write(columns, rows, { groupRowsMax: 1000 }).path
    const target = newPath()
    const parts = await Promise.all([encoded, plain, encoded].map(of))
    expect(await joinFiles(systemDisk, parts, target)).toBe(statSync(target).size)
    expect(await of(target)).toMatchObject({ rows: 9000, rowGroups: 7 })
    expect(await select(`from '${target}'`)).toEqual(
      await select(`from read_parquet(['${encoded}', '${plain}', '${encoded}'])`),
    )
    const filters = `select bloom_filter_offset is not null, count(*) from parquet_metadata('${target}') where column_id = 1 group by 1 order by 1`
    expect(await select(filters)).toEqual([
      [false, 1n],
      [true, 6n],
    ])
    const probe = `select bool_or(bloom_filter_excludes) from parquet_bloom_probe('${target}', 'word', 'word 7')`
    expect(await select(probe)).toEqual([[false]])
    const old = write(columns, rows, { version: 'v1' }).path
    expect((await of(old)).frame).not.toBe(parts[0]?.frame)
  })

  it('cuts columns of many bytes into more groups', async () => {
    const texts = Array.from({ length: 40 }, (_, row) => `${row}`.repeat(500_000))
    const { path } = write([column(1, 'text', bytesVector(texts), text)], texts.length)
    const [[groups] = []] = await select(`select max(row_group_id) + 1 from parquet_metadata('${path}')`)
    expect(Number(groups)).toBeGreaterThan(1)
    expect(
      await select(`select count(*) from '${path}' where text = repeat((file_row_number)::varchar, 500000)`),
    ).toEqual([[40n]])
  })

  it('ends groups by the bytes that they have, wherever these lie', async () => {
    const long = 'x'.repeat(4 << 20)
    const texts = Array.from({ length: 4000 }, (_, row) => (row < 3992 ? '' : long))
    const groups = encodeRows(native, [column(1, 'text', bytesVector(texts), text)], texts.length, {
      groupRowsMax: 10_000,
      version: 'v2',
    })
    expect(groups.map(({ rows }) => rows)).toEqual([3995, 3, 2])
    const chunks = groups.flatMap((group) => group.columns.get(1)?.chunks ?? [])
    for (const { plainBytes } of chunks) expect(plainBytes).toBeLessThanOrEqual(16 << 20)
    // What is kept of them is no more than what they take.
    for (const { bytes } of groups) expect(bytes.buffer.byteLength).toBe(bytes.length)
    const rows = [long.repeat(5), 'y', long.repeat(5)]
    const alone = encodeRows(native, [column(1, 'text', bytesVector(rows), text)], 3, {
      groupRowsMax: 10,
      version: 'v2',
    })
    expect(alone.map((group) => group.rows)).toEqual([1, 1, 1])
  })

  it('fails where the memory of the encoder is not enough', async () => {
    const encoder = await compiledEncoder()
    expect(() => encoder.take(2 ** 31)).toThrow('fits into the memory')
    encoder.clear()
    const stuck = new NativeEncoder({ ...encoder.run, reserve: () => {} })
    expect(() => stuck.take(stuck.bytes.length)).toThrow('can grow')
  })
})
