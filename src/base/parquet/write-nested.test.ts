import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { DenseVector, ParquetColumn, ParquetField, Vector } from './vectors.ts'
import type { PlainParquetOptions } from './write-plain.ts'
import { writePlainParquet } from './write-plain.ts'

const directory = mkdtempSync(join(tmpdir(), 'write-nested-'))
let duckdb: DuckDBConnection

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create()).connect()
})

afterAll(() => {
  duckdb.closeSync()
  rmSync(directory, { recursive: true })
})

/** What a column may hold, as far as nesting goes: two kinds of leaves stand for all. */
type Shape =
  | { readonly kind: 'number' | 'text' }
  | { readonly kind: 'array'; readonly inner: readonly [Shape] }
  | { readonly kind: 'map'; readonly inner: readonly [Shape, Shape] }
  | { readonly kind: 'row'; readonly inner: readonly Shape[] }

/** Values as DuckDB's client gives them. */
type Value = bigint | string | null | readonly Value[] | { readonly [name: string]: Value }

const innerName = (kind: Shape['kind'], index: number): string => {
  if (kind === 'array') return 'element'
  return kind === 'map' ? (index === 0 ? 'key' : 'value') : `f${index}`
}

const { shape: anyShape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Shape>({ kind: 'number' }, { kind: 'text' }),
    tie('shape').map((inner): Shape => ({ kind: 'array', inner: [inner] })),
    tie('shape').map((inner): Shape => ({ kind: 'map', inner: [{ kind: 'text' }, inner] })),
    fc.array(tie('shape'), { minLength: 1, maxLength: 3 }).map((inner): Shape => ({ kind: 'row', inner })),
  ),
}))

function anyValue(shape: Shape): fc.Arbitrary<Value> {
  switch (shape.kind) {
    case 'number':
      return fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { freq: 4 })
    case 'text':
      return fc.option(fc.string({ maxLength: 5 }), { freq: 4 })
    case 'array':
      return fc.option(fc.array(anyValue(shape.inner[0]), { maxLength: 3 }), { freq: 4 })
    case 'map': {
      const entry = fc.record({ key: fc.string({ maxLength: 5 }), value: anyValue(shape.inner[1]) })
      const entries = fc.uniqueArray(entry, { maxLength: 3, selector: ({ key }) => key })
      return fc.option(entries, { freq: 4 })
    }
    case 'row': {
      const fields = shape.inner.map((inner, index) => [innerName('row', index), anyValue(inner)] as const)
      return fc.option(fc.record(Object.fromEntries(fields), { noNullPrototype: true }), { freq: 4 })
    }
  }
}

/** Every second column or field is sparse: it has no place for most of its nulls. */
function vectorOf(shape: Shape, values: readonly Value[], isSparse = false): Vector {
  if (!isSparse) return denseVector(shape, values)
  const rows = Uint32Array.from(values.keys()).filter((row) => values[row] !== null || row % 5 === 0)
  return {
    kind: 'sparse',
    rows,
    values: denseVector(
      shape,
      Array.from(rows, (row) => values[row] ?? null),
    ),
  }
}

function denseVector(shape: Shape, values: readonly Value[]): DenseVector {
  const valid = Uint8Array.from(values, (value) => (value === null ? 0 : 1))
  switch (shape.kind) {
    case 'number':
      return { kind: 'int64', valid, values: BigInt64Array.from(values, (value) => (value as bigint | null) ?? 0n) }
    case 'text': {
      const parts = values.map((value) => Buffer.from((value as string | null) ?? ''))
      return { kind: 'bytes', valid, offsets: offsetsOf(parts), data: Buffer.concat(parts) }
    }
    case 'row': {
      const rows = values as readonly ({ readonly [name: string]: Value } | null)[]
      const fields = shape.inner.map((inner, index) => {
        return vectorOf(
          inner,
          rows.map((row) => row?.[innerName('row', index)] ?? null),
          index % 2 === 0,
        )
      })
      return { kind: 'row', valid, fields }
    }
    case 'array': {
      const lists = values.map((value) => (value as readonly Value[] | null) ?? [])
      return { kind: 'array', valid, offsets: offsetsOf(lists), elements: vectorOf(shape.inner[0], lists.flat()) }
    }
    case 'map': {
      const lists = values.map((value) => (value as readonly { key: Value; value: Value }[] | null) ?? [])
      const [keys, inner] = [lists.flat().map(({ key }) => key), lists.flat().map(({ value }) => value)]
      const [keyShape, valueShape] = shape.inner
      const entries = { keys: vectorOf(keyShape, keys), values: vectorOf(valueShape, inner) }
      return { kind: 'map', valid, offsets: offsetsOf(lists), ...entries }
    }
  }
}

function offsetsOf(parts: readonly { readonly length: number }[]): Uint32Array {
  const offsets = new Uint32Array(parts.length + 1)
  for (const [index, { length }] of parts.entries()) offsets[index + 1] = (offsets[index] as number) + length
  return offsets
}

/** Field ids count up, depth first. */
function fieldOf(shape: Shape, name: string, ids: { next: number }): ParquetField {
  const fieldId = ids.next++
  const children: readonly Shape[] = 'inner' in shape ? shape.inner : []
  const inner = children.map((child, index) => fieldOf(child, innerName(shape.kind, index), ids))
  return { name, fieldId, annotation: { kind: shape.kind === 'text' ? 'string' : 'none' }, inner }
}

let files = 0

function write(
  shape: Shape,
  values: readonly Value[],
  options?: PlainParquetOptions,
  isSparse = files % 2 === 0,
): string {
  const path = join(directory, `${files++}.parquet`)
  const column: ParquetColumn = {
    ...fieldOf(shape, 'c', { next: 1 }),
    required: false,
    vector: vectorOf(shape, values, isSparse),
  }
  writeFileSync(path, writePlainParquet([column], values.length, options).bytes)
  return path
}

const select = async (query: string): Promise<unknown[][]> => (await duckdb.runAndReadAll(query)).getRowsJS()

const anyColumn = anyShape.chain((shape) =>
  fc.record({ shape: fc.constant(shape), values: fc.array(anyValue(shape), { maxLength: 25, size: 'max' }) }),
)

describe('nested columns', () => {
  it('are read back by DuckDB to the same values, with any cut into groups and pages', async () => {
    const anyCut = fc.record({
      rowGroupRowsMax: fc.integer({ min: 1, max: 20 }),
      pageBytesMax: fc.integer({ min: 1, max: 100 }),
    })
    await fc.assert(
      fc.asyncProperty(anyColumn, anyCut, async ({ shape, values }, cut) => {
        const path = write(shape, values, cut)
        expect(await select(`select c from read_parquet('${path}')`)).toEqual(values.map((value) => [value]))
      }),
      { numRuns: 150 },
    )
  })

  it('may be as deep as types are: rows of many levels, and arrays of fewer, which DuckDB reads in exponential time', async () => {
    const [rows, arrays] = [47, 16]
    let [shape, value, access]: [Shape, Value, string] = [{ kind: 'number' }, 7n, 'c']
    for (let level = 0; level < arrays; level += 1) {
      shape = { kind: 'array', inner: [shape] }
      value = [value, null]
      access += '[1]'
    }
    for (let level = 0; level < rows; level += 1) {
      shape = { kind: 'row', inner: [shape] }
      value = { f0: value }
      access = access.replace('c', 'c.f0')
    }
    const values = [value, null, value]
    const path = write(shape, values)
    expect(await select(`select c from read_parquet('${path}')`)).toEqual(values.map((whole) => [whole]))
    expect(await select(`select ${access} from read_parquet('${path}')`)).toEqual([[7n], [null], [7n]])
  })

  it('may have very many elements in one row, which are in one page', async () => {
    const elements = Array.from({ length: 300_000 }, (_, index) => (index % 7 === 0 ? null : BigInt(index)))
    const path = write({ kind: 'array', inner: [{ kind: 'number' }] }, [[1n], elements, []])
    const query = `select len(c), list_sum(c)::bigint, len(list_filter(c, lambda x: x is null)) from read_parquet('${path}')`
    const sum = elements.reduce<bigint>((total, element) => total + (element ?? 0n), 0n)
    expect(await select(query)).toEqual([
      [1n, 1n, 0n],
      [300_000n, sum, 42_858n],
      [0n, null, 0n],
    ])
  })

  it('may have values in very few rows, at whatever distances', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(20_000), { maxLength: 200 }),
        fc.constantFrom<Shape>({ kind: 'text' }, { kind: 'array', inner: [{ kind: 'text' }] }),
        async (picked, shape) => {
          const rows = new Set([...picked, ...picked.slice(0, 20).map((row) => row + 1)])
          const values = Array.from({ length: 20_002 }, (_, row): Value => {
            if (!rows.has(row)) return null
            return shape.kind === 'text' ? `row ${row}` : [`row ${row}`]
          })
          const path = write(shape, values, { rowGroupRowsMax: 6000, pageBytesMax: 300 }, true)
          const found = await select(
            `select file_row_number, c from read_parquet('${path}', file_row_number = true) where c is not null`,
          )
          expect(found).toEqual([...rows].toSorted((a, b) => a - b).map((row) => [BigInt(row), values[row]]))
        },
      ),
      { numRuns: 20 },
    )
  })

  it('have the levels, names and field ids that every reader of Parquet knows', async () => {
    const shape: Shape = {
      kind: 'array',
      inner: [
        {
          kind: 'row',
          inner: [
            { kind: 'number' },
            { kind: 'map', inner: [{ kind: 'text' }, { kind: 'array', inner: [{ kind: 'text' }] }] },
          ],
        },
      ],
    }
    const path = write(shape, [])
    const schema = await select(
      `select name, field_id, num_children, repetition_type, converted_type, logical_type from parquet_schema('${path}')`,
    )
    expect(schema.slice(1)).toEqual([
      ['c', 1n, 1n, 'OPTIONAL', 'LIST', 'ListType()'],
      ['list', null, 1n, 'REPEATED', null, null],
      ['element', 2n, 2n, 'OPTIONAL', null, null],
      ['f0', 3n, null, 'OPTIONAL', null, null],
      ['f1', 4n, 1n, 'OPTIONAL', 'MAP', 'MapType()'],
      ['key_value', null, 2n, 'REPEATED', null, null],
      ['key', 5n, null, 'REQUIRED', 'UTF8', 'StringType()'],
      ['value', 6n, 1n, 'OPTIONAL', 'LIST', 'ListType()'],
      ['list', null, 1n, 'REPEATED', null, null],
      ['element', 7n, null, 'OPTIONAL', 'UTF8', 'StringType()'],
    ])
  })
})
