import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { delimitedPieces } from './delimited-pieces.ts'
import { jsonPieces } from './json-pieces.ts'
import { linePieces } from './line-pieces.ts'
import { pieceId } from './piece-id.ts'
import type { Piece, PieceLimits, Pieces } from './pieces.ts'
import { cut, guessFormat, lookInside } from './record-format.ts'

async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

async function all(pieces: Pieces): Promise<Piece[]> {
  const found: Piece[] = []
  for await (const piece of pieces) found.push(piece)
  return found
}

const texts = (pieces: readonly Piece[]) => pieces.map(({ body }) => body.toString())
const limits = (targetBytes: number): PieceLimits => ({ targetBytes, bytesMax: 10_000 })
const small = fc.integer({ min: 1, max: 40 })

/** A plain reader of RFC 4180, one character at a time. */
function readDelimited(text: string, delimiter: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let field = ''
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (quoted) {
      if (character !== '"') field += character
      else if (text.charAt(at + 1) === '"') field += text.charAt(at++)
      else quoted = false
    } else if (character === '"' && field === '') quoted = true
    else if (character === delimiter) {
      record.push(field)
      field = ''
    } else if (character === '\n') {
      records.push([...record, field.replace(/\r$/, '')])
      record = []
      field = ''
    } else field += character
  }
  if (field !== '' || record.length > 0) records.push([...record, field])
  return records
}

describe('delimited text', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '\t', '"', '\n', '\r\n', "'") })
  const rows = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 30 })

  test.each([',', '\t'] as const)('gives all records once, each piece with the header: %j', async (delimiter) => {
    const ending = fc.constantFrom('\n', '\r\n')
    await fc.assert(
      fc.asyncProperty(rows, ending, fc.boolean(), small, small, async (records, end, ended, chunk, target) => {
        const write = (record: string[]) => record.map((text) => `"${text.replaceAll('"', '""')}"`).join(delimiter)
        const text = [['first', 'second'], ...records].map(write).join(end) + (ended ? end : '')
        const pieces = await all(delimitedPieces(chunksOf(text, chunk), delimiter, limits(target)))
        const parts = texts(pieces).map((part) => readDelimited(part, delimiter))
        expect(parts.flatMap((part) => part.slice(1))).toEqual(records)
        for (const part of parts) expect(part[0]).toEqual(['first', 'second'])
        expect(pieces.map(({ records: count }) => count)).toEqual(parts.map((part) => part.length - 1))
      }),
    )
  })

  test('takes a quote in the middle of a field as text', async () => {
    const text = 'size,n\n5" disk,1\n3" disk,2\n'
    expect(texts(await all(delimitedPieces(chunksOf(text, 7), ',', limits(1))))).toEqual([
      'size,n\n5" disk,1\n',
      'size,n\n3" disk,2\n',
    ])
  })

  test('gives nothing for nothing, and the header for a header', async () => {
    expect(await all(delimitedPieces(chunksOf('', 1), ',', limits(1)))).toEqual([])
    expect(texts(await all(delimitedPieces(chunksOf('a,b\n', 2), ',', limits(1))))).toEqual([])
  })

  test('gives up on a quote that never ends', async () => {
    const endless = `a,b\n1,"${'x'.repeat(20_000)}`
    await expect(all(delimitedPieces(chunksOf(endless, 100), ',', limits(10)))).rejects.toMatchObject({ exitCode: 2 })
  })
})

test('the same content is cut at the same places however it is read', async () => {
  const records = fc.array(fc.tuple(fc.string(), fc.nat()), { minLength: 1, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(records, small, small, small, async (values, one, other, target) => {
      const contents = [
        ['csv', `h,i\n${values.map(([text, n]) => `"${text.replaceAll('"', '""')}",${n}\n`).join('')}`],
        ['ndjson', values.map((value) => `${JSON.stringify(value)}\n`).join('')],
        ['json', JSON.stringify(values, null, 1)],
      ] as const
      for (const [format, text] of contents) {
        const cutBy = async (size: number) => await all(cut(format, chunksOf(text, size), limits(target)))
        expect(await cutBy(one)).toEqual(await cutBy(other))
      }
    }),
  )
})

describe('lines', () => {
  test('are given once, whole, and counted', async () => {
    const lines = fc.array(fc.string({ unit: fc.constantFrom('{', '}', '"', ' ', 'é') }), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(lines, small, small, async (records, chunk, target) => {
        const text = records.join('\n')
        const pieces = await all(linePieces(chunksOf(text, chunk), limits(target)))
        expect(texts(pieces).join('').trimEnd()).toBe(text.trimEnd())
        for (const piece of texts(pieces).slice(0, -1)) expect(piece.endsWith('\n')).toBe(true)
        const counted = pieces.reduce((sum, { records: count }) => sum + (count ?? 0), 0)
        expect(counted).toBe(records.filter((line) => line.trim() !== '').length)
      }),
    )
  })
})

describe('a JSON array', () => {
  test('becomes arrays with all elements in order', async () => {
    const spaces = fc.constantFrom(undefined, 2)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), spaces, small, small, async (values, indent, chunk, target) => {
        const text = `\n ${JSON.stringify(values, null, indent)} \n`
        const pieces = texts(await all(jsonPieces(chunksOf(text, chunk), limits(target))))
        expect(pieces.flatMap((piece) => JSON.parse(piece) as unknown[])).toEqual(JSON.parse(text))
      }),
    )
  })

  test('leaves what is no array in one piece', async () => {
    const text = '{"a":[1,2,3]}\n{"b":[4,5,6]}'
    expect(texts(await all(jsonPieces(chunksOf(text, 3), limits(1))))).toEqual([text])
  })
})

describe('formats', () => {
  test('are guessed from names', () => {
    expect(
      ['a.ndjson', 'b.JSONL.gz', 'c.csv.zst', 'd.tsv', 'e.parquet', 'f.msgpack.br', 'g.json'].map(guessFormat),
    ).toEqual(['ndjson', 'ndjson', 'csv', 'tsv', 'parquet', 'msgpack', 'json'])
    expect(() => guessFormat('data')).toThrow(/format/)
  })

  test('are looked up inside where .json may mean two things', async () => {
    const lines = await lookInside(chunksOf('{"a":1}\n{"a":2}\n', 100))
    expect(lines.format).toBe('ndjson')
    expect(texts(await all(cut('ndjson', lines.chunks, limits(100))))).toEqual(['{"a":1}\n{"a":2}\n'])
    expect((await lookInside(chunksOf('{\n "a": 1\n}\n', 100))).format).toBe('json')
    expect((await lookInside(chunksOf('[{"a":1},\n{"a":2}]', 100))).format).toBe('json')
    expect((await lookInside(chunksOf('', 100))).format).toBe('json')
  })

  test('that cannot be cut go whole, or not at all', async () => {
    expect(texts(await all(cut('parquet', chunksOf('PAR1…PAR1', 3), limits(1))))).toEqual(['PAR1…PAR1'])
    await expect(all(cut('msgpack', chunksOf('x'.repeat(20_000), 100), limits(1)))).rejects.toMatchObject({
      exitCode: 2,
    })
  })
})

test('ids follow from name, content and place alone', () => {
  const piece = (text: string, offset = 0): Piece => ({ body: Buffer.from(text), offset, records: 1 })
  expect(pieceId('', 'a.csv', piece('x'))).toBe(pieceId('', 'a.csv', piece('x')))
  const others = [
    pieceId('', 'a.csv', piece('x')),
    pieceId('p', 'a.csv', piece('x')),
    pieceId('', 'b.csv', piece('x')),
    pieceId('', 'a.csv', piece('y')),
    pieceId('', 'a.csv', piece('x', 7)),
  ]
  expect(new Set(others).size).toBe(5)
})
