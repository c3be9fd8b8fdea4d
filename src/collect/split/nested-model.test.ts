import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { LogicalType } from '../../store/types.ts'
import type { Source } from './testing/nested-model.ts'
import { anyNestedType, anySourceFor, jsonOf, misfit, modelOf, msgpackOf } from './testing/nested-model.ts'
import { rescuedOf, split, valuesOf } from './testing/split-text.ts'
import type { SplitResult } from './splitter.ts'

const anyColumn = anyNestedType.chain((type) => {
  return fc.record({ type: fc.constant(type), sources: fc.array(anySourceFor(type), { maxLength: 8 }) })
})

/** Each value is in the column whole, or not at all and rescued. */
function expectModel(result: SplitResult, type: LogicalType, sources: readonly Source[]): void {
  const wanted = sources.map((source) => {
    const value = modelOf(type, source)
    return value === misfit ? { value: null, rescued: jsonOf(source) } : { value, rescued: null }
  })
  const [values, rescued] = [valuesOf(result, 'v'), rescuedOf(result, 'v')]
  expect(values.map((value, row) => ({ value: comparable(type, value), rescued: rescued[row] }))).toEqual(wanted)
}

/** Decimals as bigints, however many digits they have. */
function comparable(type: LogicalType, value: unknown): unknown {
  if (value === null) return null
  switch (type.kind) {
    case 'decimal':
      return BigInt(value as number | bigint)
    case 'array':
      return (value as unknown[]).map((element) => comparable(type.element, element))
    case 'map':
      return new Map(
        Array.from(value as Map<unknown, unknown>, ([key, of]) => [
          comparable(type.key, key),
          comparable(type.value, of),
        ]),
      )
    case 'row':
      return Object.fromEntries(
        type.fields.map(({ name, type: of }) => [name, comparable(of, (value as Record<string, unknown>)[name])]),
      )
    default:
      return value
  }
}

describe('a nested column', () => {
  it('has each value of JSON and MessagePack as a plain model says, and else all of it is rescued', () => {
    let [kept, rescued] = [0, 0]
    fc.assert(
      fc.property(anyColumn, ({ type, sources }) => {
        const known = [{ name: 'v', type }]
        const lines = sources.map((source) => `{"v":${jsonOf(source)}}`)
        expectModel(split('ndjson', lines.join('\n'), { known }), type, sources)
        expectModel(split('json', `[${lines.join(' , ')}]`, { known }), type, sources)
        const packed = sources.map((source) => Buffer.concat([Buffer.from('81a176', 'hex'), msgpackOf(source)]))
        expectModel(split('msgpack', Buffer.concat(packed), { known }), type, sources)
        const misfits = sources.filter((source) => modelOf(type, source) === misfit).length
        rescued += misfits
        kept += sources.length - misfits
      }),
      { numRuns: 300 },
    )
    // Neither may be rare, or nothing was shown.
    expect(Math.min(kept, rescued)).toBeGreaterThan((kept + rescued) / 10)
  })
})
