import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { selectBytes } from './byte-range.ts'

const object = { bytes: 10, etag: '"e"' }

describe('a range', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=3-', 3, 10],
    ['bytes=-3', 7, 10],
    ['bytes=-30', 0, 10],
    ['bytes=3-99', 3, 10],
    ['bytes= 1-2 ', 1, 3],
  ])('%s', (range, from, to) => {
    expect(selectBytes({ range }, object)).toEqual({ status: 206, from, to })
  })

  it.each(['bytes=10-', 'bytes=10-12', 'bytes=-0'])('%s lies outside', (range) => {
    expect(selectBytes({ range }, object)).toEqual({ status: 416 })
  })

  it.each(['bytes=5-3', 'bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,3-4', ''])('%s is ignored', (range) => {
    expect(selectBytes({ range }, object)).toEqual({ status: 200 })
  })

  it('never selects anything but bytes of the object', () => {
    const piece = fc.oneof(fc.nat(30).map(String), fc.constantFrom('', '-', ',', 'bytes=', '99999999999999999'))
    fc.assert(
      fc.property(fc.array(piece), fc.nat(20), (pieces, bytes) => {
        const selection = selectBytes({ range: `bytes=${pieces.join('')}` }, { bytes, etag: '"e"' })
        if (selection.status !== 206) return
        expect(selection.from).toBeGreaterThanOrEqual(0)
        expect(selection.to).toBeGreaterThan(selection.from)
        expect(selection.to).toBeLessThanOrEqual(bytes)
      }),
    )
  })
})

describe('a condition', () => {
  it.each(['"e"', '"a", "e"', 'W/"e"', '*', ' "e" '])('If-None-Match: %s says that it is known', (tags) => {
    expect(selectBytes({ 'if-none-match': tags, range: 'bytes=0-1' }, object)).toEqual({ status: 304 })
  })

  it.each(['"a"', 'e', ''])('If-None-Match: %s does not', (tags) => {
    expect(selectBytes({ 'if-none-match': tags }, object)).toEqual({ status: 200 })
  })

  it('If-Range lets the range through for the very same object only', () => {
    const range = 'bytes=0-1'
    expect(selectBytes({ range, 'if-range': '"e"' }, object).status).toBe(206)
    for (const other of ['"a"', 'W/"e"', 'Wed, 21 Oct 2026 07:28:00 GMT']) {
      expect(selectBytes({ range, 'if-range': other }, object).status).toBe(200)
    }
  })
})
