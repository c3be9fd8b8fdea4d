import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { csvLines } from './csv.ts'

function linesOf(text: string, delimiter: ',' | '\t' = ','): string[] {
  const { bytes } = csvLines(Buffer.from(text), delimiter)
  return bytes.toString().split('\n').slice(0, -1)
}

/** Quotes what needs it, as RFC 4180 says. */
function csvOf(rows: readonly (readonly string[])[]): string {
  const written = (field: string) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)
  return rows.map((row) => row.map(written).join(',')).join('\n')
}

describe('csv', () => {
  it('keeps every digit, and text as text', () => {
    const fields = [
      '200',
      '-5',
      '0200',
      '+1',
      ' 1',
      '1.50',
      '1e3',
      '12345678901234567890',
      'true',
      'True',
      'abc',
      '""',
      '',
    ]
    expect(linesOf(`v\n${fields.map((field) => `${field},`.slice(0, -1)).join('\n')}`)).toEqual([
      '{"v":200}',
      '{"v":-5}',
      '{"v":"0200"}',
      '{"v":"+1"}',
      '{"v":" 1"}',
      '{"v":1.50}',
      '{"v":1e3}',
      '{"v":12345678901234567890}',
      '{"v":true}',
      '{"v":"True"}',
      '{"v":"abc"}',
      '{"v":""}',
    ])
  })

  it('reads quotes, delimiters and line ends in quotes, CRLF, a byte order mark and blank lines', () => {
    expect(linesOf('\u{feff}a,b\r\n"x, ""y""","1\n2"\r\n\r\n,\n3,4')).toEqual([
      '{"a":"x, \\"y\\"","b":"1\\u000a2"}',
      '{}',
      '{"a":3,"b":4}',
    ])
    expect(linesOf('a\tb\nx,y\t"1\t2"', '\t')).toEqual(['{"a":"x,y","b":"1\\t2"}'.replace('\\t', '\\u0009')])
  })

  it('names columns without a name by their number, and refuses names that stand twice', () => {
    expect(linesOf('a,,c\n1,2,3')).toEqual(['{"a":1,"column2":2,"c":3}'])
    expect(() => linesOf('a,b,a\n1,2,3')).toThrow(expect.objectContaining({ code: 'body_malformed' }))
  })

  it('rejects records with other fields than names, and what quotes break, and goes on behind', () => {
    const text = 'a,b\n1,2\n3\n4,5,6\n"7"x,8\n9,10\n"open,11\n12,13\n'
    const { bytes, rejected, recordNumbers } = csvLines(Buffer.from(text), ',')
    expect(bytes.toString()).toBe('{"a":1,"b":2}\n{"a":9,"b":10}\n{"a":12,"b":13}\n')
    expect(recordNumbers).toEqual([0, 4, 6])
    expect(
      rejected.map(({ recordNumber, start, end, reason }) => [recordNumber, text.slice(start, end), reason]),
    ).toEqual([
      [1, '3', 'csv_fields'],
      [2, '4,5,6', 'csv_fields'],
      [3, '"7"x,8', 'csv_syntax'],
      [5, '"open,11', 'csv_syntax'],
    ])
  })

  it('reads nothing from nothing, and no records from names alone', () => {
    expect(linesOf('')).toEqual([])
    expect(linesOf('a,b\n')).toEqual([])
  })

  it('reads back what another writer wrote', () => {
    const field = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('a,b', '"', '\n', '\r\n', 'x"y', ''))
    const table = fc
      .integer({ min: 1, max: 5 })
      .chain((width) =>
        fc
          .array(fc.array(field, { minLength: width, maxLength: width }), { maxLength: 20 })
          .map((rows) => ({ width, rows })),
      )
    fc.assert(
      fc.property(table, ({ width, rows }) => {
        const names = Array.from({ length: width }, (_, index) => `c${index}`)
        // A record of one empty field is a blank line, which nobody can tell from none.
        const written = rows.filter((row) => row.length > 1 || !/^\r*\n?$/.test(row[0] ?? ''))
        const { bytes, rejected } = csvLines(Buffer.from(csvOf([names, ...written])), ',')
        const read = bytes
          .toString()
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Record<string, unknown>)
        expect(rejected).toEqual([])
        expect(read.length).toBe(written.length)
        for (const [index, row] of written.entries()) {
          for (const [column, value] of row.entries()) {
            const found = read[index]?.[`c${column}`]
            if (typeof found !== 'number' && typeof found !== 'boolean') expect(found ?? '').toBe(value)
            else expect(JSON.parse(value)).toBe(found)
          }
        }
      }),
    )
  })

  it('never fails on any bytes, and counts every record', () => {
    const bytes = fc.array(fc.constantFrom('"', ',', '\n', '\r', 'a', '1', ' ', '\u{e9}'), { maxLength: 60 })
    fc.assert(
      fc.property(bytes, (parts) => {
        const { bytes: lines, rejected, recordNumbers } = csvLines(Buffer.from(`a,b\n${parts.join('')}`), ',')
        const numbers = [...recordNumbers, ...rejected.map(({ recordNumber }) => recordNumber)].toSorted(
          (a, b) => a - b,
        )
        expect(numbers).toEqual(numbers.map((_, index) => index))
        expect(lines.toString().split('\n').length - 1).toBe(recordNumbers.length)
      }),
    )
  })

  it('does not look for the end of each of many open quotes', () => {
    const body = Buffer.from(`a\n${'"b\n'.repeat(100_001)}`)
    const { rejected, recordNumbers } = csvLines(body, ',')
    expect(rejected.length + recordNumbers.length).toBeGreaterThan(0)
  })
})
