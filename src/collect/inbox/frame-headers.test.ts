import fc from 'fast-check'
import { expect, test } from 'vitest'

import { FrameHeaders } from './frame-headers.ts'

const name = fc.constantFrom('d', 'other', 'é', '"receivedAtUs":', '{}', '\\')
const moment = fc.oneof(
  fc.constantFrom(0, -1, 7, 1_700_000_000_000_000, Number.MAX_SAFE_INTEGER, 1.5, 1e21, 2 ** 60 + 2 ** 10),
  fc.nat({ max: 2 ** 31 }).map((offset) => 1_700_000_000_000_000 + offset),
)
const door = fc.constantFrom('events', 'import', undefined)
const header = fc
  .record({ accountId: fc.nat({ max: 12 }), database: name, table: name, uniqueId: fc.option(name), door })
  .chain((known) => moment.map((receivedAtUs) => ({ ...known, receivedAtUs })))
// As frames of before have it: what was received stands before the door.
const ofBefore = header.map(({ door: last, ...first }) => ({ ...first, door: last }))

test('a header is read as JSON is, whatever was read before it', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(header, ofBefore), { minLength: 1, maxLength: 30 }), (headers) => {
      const own = new FrameHeaders()
      for (const one of headers) {
        const text = JSON.stringify(one)
        const bytes = Buffer.from(`before${text}behind`)
        expect(own.read(bytes, 6, bytes.byteLength - 6)).toEqual(JSON.parse(text))
      }
    }),
  )
})

test('a header like the one before shares its names, and has a moment of its own', () => {
  const own = new FrameHeaders()
  const read = (receivedAtUs: number) => {
    const bytes = Buffer.from(JSON.stringify({ accountId: 1, database: 'd', receivedAtUs }))
    return own.read(bytes, 0, bytes.byteLength)
  }
  expect([read(5), read(6), read(1_700_000_000_000_001)].map(({ receivedAtUs }) => receivedAtUs)).toEqual([
    5, 6, 1_700_000_000_000_001,
  ])
})
