import { decode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { expect, it } from 'vitest'

import { MsgpackWriter } from './msgpack-writer.ts'

function written(write: (writer: MsgpackWriter) => void): unknown {
  const writer = new MsgpackWriter()
  write(writer)
  const bytes = writer.take()
  expect(writer.bytes).toBe(0)
  return decode(bytes, { useBigInt64: true })
}

it('writes every integer of 64 bits', () => {
  const edges = [0n, 7n, 8n, 15n, 16n, 31n, 32n, 63n].flatMap((bits) => [2n ** bits - 1n, 2n ** bits, -(2n ** bits)])
  const whole = fc.oneof(fc.constantFrom(...edges, -(2n ** 63n) + 1n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n))
  fc.assert(
    fc.property(whole, (value) => {
      const valid = BigInt.asIntN(64, value)
      expect(BigInt(written((writer) => writer.integer(valid)) as bigint | number)).toBe(valid)
    }),
  )
})

it.each([0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536, 200_000])('writes lengths of %i', (length) => {
  const text = 'é'.repeat(length)
  expect(written((writer) => writer.text(text))).toBe(text)
  const bytes = Buffer.alloc(length, 7)
  expect(written((writer) => writer.binary(bytes))).toEqual(bytes)
  const list = written((writer) => {
    writer.arrayOf(length)
    for (let index = 0; index < length; index++) writer.boolean(true)
  })
  expect(list).toEqual(Array.from({ length }, () => true))
  const map = written((writer) => {
    writer.mapOf(length)
    for (let index = 0; index < length; index++) {
      writer.text(`k${index}`)
      writer.nil()
    }
  })
  expect(Object.keys(map as object)).toHaveLength(length)
})
