import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { elementsOf, isArrayAt, isObjectAt, isShallow, membersOf, valueOf } from './json-text.ts'
import type { Span } from './json-text.ts'

const spaces = fc.constantFrom('', ' ', '\n', '\t\r ')

/** Reads a text by its spans alone, down to the scalars. */
function read(text: string, span: Span): unknown {
  if (isArrayAt(text, span)) return elementsOf(text, span).map((element) => read(text, element))
  if (!isObjectAt(text, span)) return JSON.parse(text.slice(span.from, span.to))
  return Object.fromEntries(membersOf(text, span).map((member) => [member.name, read(text, member)]))
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

const anyJson = fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' })

describe('the places in a JSON text', () => {
  it('are those of its values, however it is spaced', () => {
    fc.assert(
      fc.property(anyJson, spaces, spaces, (value, space, around) => {
        const text = around + JSON.stringify(value, undefined, space) + around
        expect(read(text, valueOf(text))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('tell how deep it is nested', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = JSON.stringify(value)
        expect(isShallow(text, depthOf(value))).toBe(true)
        if (depthOf(value) > 0) expect(isShallow(text, depthOf(value) - 1)).toBe(false)
      }),
    )
  })

  it('are not taken in by quotes and brackets in strings', () => {
    const text = String.raw`{"a\\":"}\"]","b[":[{"c":"\\"}],"d":-1.5e+300}`
    expect(membersOf(text, valueOf(text)).map(({ name, from, to }) => [name, text.slice(from, to)])).toEqual([
      ['a\\', String.raw`"}\"]"`],
      ['b[', String.raw`[{"c":"\\"}]`],
      ['d', '-1.5e+300'],
    ])
  })

  it('end for texts that are no JSON', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[[\]{}",:\\ a1]*$/), (text) => {
        expect(typeof isShallow(text, 3)).toBe('boolean')
      }),
    )
  })
})
