import { describe, expect, it } from 'vitest'

import { differences, filledIn } from './compare.ts'
import type { Variables } from './compare.ts'

const received = (body: unknown) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
})

const found = (expected: unknown, actual: unknown, captured: Variables = new Map()) =>
  differences({ status: 200, headers: {}, body: expected }, received(actual), captured).length > 0

describe('an answer', () => {
  it.each([
    [{ a: 1 }, { a: 1 }],
    [
      { a: '$number', $more: true },
      { a: 1.5, b: 2 },
    ],
    [[{ a: '$any' }], [{ a: null }]],
    [{ a: '$time' }, { a: '2020-12-31 11:22:33 UTC' }],
    [{ a: '$contains of all' }, { a: 'most of all' }],
    [{ a: null }, { a: null }],
  ])('is as expected: %j, %j', (expected, actual) => expect(found(expected, actual)).toBe(false))

  it.each([
    [{ a: 1 }, { a: '1' }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: '$any' }, { a: 1 }],
    [{ a: null }, {}],
    [{ a: '$integer' }, { a: 1.5 }],
    [{ a: '$string' }, { a: '' }],
    [[1], [1, 2]],
    [{ a: {} }, { a: [] }],
    [{ a: '$time' }, { a: '2020-12-31T11:22:33Z' }],
  ])('is another than expected: %j, %j', (expected, actual) => expect(found(expected, actual)).toBe(true))

  it('differs by status and headers, too', () => {
    const expected = { status: 201, headers: { 'content-type': null, etag: '$string' } }
    expect(differences(expected, received({}), new Map())).toHaveLength(4)
  })

  it('is captured, and used with its type', () => {
    const captured: Variables = new Map()
    expect(found({ id: '$number as id', text: '$contains x as said' }, { id: 7, text: 'x y' }, captured)).toBe(false)
    expect(filledIn({ path: '/${id}/${said}', id: '${id}' }, captured)).toEqual({ path: '/7/x y', id: 7 })
    expect(() => filledIn('${other}', captured)).toThrow('other')
    expect(() => found('$nothing', 1)).toThrow('no matcher')
  })
})
