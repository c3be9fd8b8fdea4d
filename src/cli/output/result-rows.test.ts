import fc from 'fast-check'
import { expect, test } from 'vitest'

import { jsonText } from './cells.ts'
import { linesOf, readCells } from './result-rows.ts'

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

test('keeps every digit', () => {
  const line = '{"a":9007199254740993,"b":-0.10,"c":1E400,"d":12345678901234567890123456789012345678}'
  expect(readCells(line)).toEqual([
    { raw: '9007199254740993' },
    { raw: '-0.10' },
    { raw: '1E400' },
    { raw: '12345678901234567890123456789012345678' },
  ])
})

test('is not led astray by texts and nesting', () => {
  const line = '{ "a,}\\":" : "x,}\\\\" , "b":{"c":[1,{"d":"]}"}]}, "e": null,"f":true,"g":[] }'
  expect(readCells(line)).toEqual(['x,}\\', { raw: '{"c":[1,{"d":"]}"}]}' }, null, { raw: 'true' }, { raw: '[]' }])
  expect(readCells('{}')).toEqual([])
})

test('reads any object as its values', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (object) => {
      const cells = readCells(JSON.stringify(object))
      expect(cells.map(jsonText)).toEqual(Object.values(object).map((value) => JSON.stringify(value)))
    }),
  )
})

test('finds lines however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), fc.integer({ min: 1, max: 9 }), async (values, size) => {
      const lines = values.map((value) => JSON.stringify(value))
      const found: string[] = []
      for await (const line of linesOf(chunksOf(Buffer.from(lines.map((line) => `${line}\n`).join('')), size)))
        found.push(line)
      expect(found).toEqual(lines)
    }),
  )
})
