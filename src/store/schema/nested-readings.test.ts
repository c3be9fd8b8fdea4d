import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LogicalType } from '../types.ts'
import { duckdbType, parseType } from '../types.ts'
import { conversion } from './conversions.ts'
import { stepwise } from './stepwise.ts'
import type { ImportedFiles } from './testing/imported-files.ts'
import { openImportedFiles } from './testing/imported-files.ts'
import { importedValues, keptRows } from './testing/kept-values.ts'

let files: ImportedFiles

beforeAll(async () => {
  files = await openImportedFiles()
})
afterAll(() => files.close())

/** What becomes of JSON texts in a column of the type json when it is given another type. */
async function converted(texts: readonly string[], to: LogicalType) {
  const { steps, value, rescued } = conversion({ kind: 'json' }, to)
  const source = stepwise(await importedValues(files, texts, { kind: 'json' }), steps)
  return await keptRows(files, `select (${value})::${duckdbType(to)} as value, ${rescued} as rescued from (${source})`)
}

const expected = async (texts: readonly string[], to: LogicalType) =>
  await keptRows(files, await importedValues(files, texts, to))

const anyScalar = fc.oneof(
  fc.integer({ min: -999, max: 999 }),
  fc.constantFrom(0.5, 1e10, true, false, null, 'a', '', '200', '0200', 'true', '2024-02-29', 'é"\\', '[1]'),
)
const anyKey = fc.constantFrom('a', 'b', 'A', 'B', 'c', '1', '01', 'true', "it's", 'x"y')
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'v' },
    anyScalar,
    fc.array(tie('value'), { maxLength: 3, depthIdentifier: 'v' }),
    fc.dictionary(anyKey, tie('value'), { maxKeys: 3, depthIdentifier: 'v' }),
  ),
}))

/** Objects with a key twice, which JavaScript does not make. */
const twice = ['{"a":1,"a":2}', '{"a":null,"a":null}', '{"a":1,"A":2}', '{"1":true,"1.0":true}', '{"a":"\\ud83d"}']
const anyText = fc.oneof(
  { weight: 9, arbitrary: anyValue.map((value) => JSON.stringify(value)) },
  fc.constantFrom(...twice),
)

const types = [
  'array(bigint)',
  'array(varchar)',
  'array(array(double))',
  'array(json)',
  'array(date)',
  'map(varchar,bigint)',
  'map(varchar,array(boolean))',
  'map(double,boolean)',
  'map(bigint,varchar)',
  'row(a bigint,b varchar)',
  'row("A" bigint,"it\'s" json)',
  'row(a row(b decimal(9,2)),c map(varchar,double))',
  'array(row(a varchar,"x""y" boolean))',
]

describe('a JSON text in a nested column', () => {
  it.each(types)('of the type %s is what the import makes of it', async (notation) => {
    const type = parseType(notation)
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { minLength: 1, maxLength: 60 }), async (texts) => {
        expect(await converted(texts, type)).toEqual(await expected(texts, type))
      }),
      { numRuns: 5 },
    )
  })

  it('is rescued where its digits would not be seen as they were written', async () => {
    const texts = ['[1.50]', '[1]', '[12345678901234567.5]', '[1e3]', '[ 1 , 2.5 ]']
    const rescued = [
      [null, '[1.50]'],
      ['[1]', null],
      [null, '[12345678901234567.5]'],
      [null, '[1e3]'],
      ['[1, 2.5]', null],
    ]
    expect(await converted(texts, parseType('array(varchar)'))).toEqual(rescued)
    expect(await converted(texts.slice(0, 2), parseType('array(decimal(9,2))'))).toEqual([
      ['[1.50]', null],
      ['[1.00]', null],
    ])
  })

  it('becomes one of another type, with the JSON that is in it', async () => {
    const [from, to] = [parseType('array(json)'), parseType('array(map(varchar,bigint))')]
    const before = await importedValues(files, ['[{"a":1},null]', '["x"]'], from)
    const { steps, value, rescued } = conversion(from, to)
    const kept = await keptRows(
      files,
      `select ${value} as value, ${rescued} as rescued from (${stepwise(before, steps)})`,
    )
    expect(kept).toEqual([
      ['[{a=1}, NULL]', null],
      [null, '["x"]'],
    ])
  })

  it('comes from text and goes back to it', async () => {
    const { steps, value, rescued } = conversion({ kind: 'varchar' }, parseType('array(bigint)'))
    const texts = ['"[1,2]"', '[3]', '"abc"', '["x"]']
    const source = stepwise(await importedValues(files, texts, { kind: 'varchar' }), steps)
    const kept = await keptRows(files, `select ${value} as value, ${rescued} as rescued from (${source})`)
    expect(kept).toEqual([
      ['[1, 2]', null],
      ['[3]', null],
      [null, '"abc"'],
      [null, '["x"]'],
    ])
  })
})
