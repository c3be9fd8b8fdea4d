import { encode, ExtData } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'

import { parseType } from '../../store/types.ts'
import { createSplitter } from './split.ts'
import { limits, receivedAtUs, rescuedOf, split, valuesOf } from './testing/split-text.ts'
import type { SplitResult } from './splitter.ts'

/** What the column `v` of the type has of values in JSON, and what was rescued of each. */
function fromJson(type: string, ...values: string[]) {
  const lines = values.map((value) => `{"v":${value}}`).join('\n')
  return found(split('ndjson', lines, { known: [{ name: 'v', type: parseType(type) }] }))
}

function fromMsgpack(type: string, ...values: unknown[]) {
  const body = Buffer.concat(values.map((v) => encode({ v }, { useBigInt64: true })))
  return found(split('msgpack', body, { known: [{ name: 'v', type: parseType(type) }] }))
}

/** A record `{"v": value}` of a value in hexadecimal. */
function fromHex(type: string, hex: string) {
  const body = Buffer.from(`81a176${hex.replaceAll(' ', '')}`, 'hex')
  return found(split('msgpack', body, { known: [{ name: 'v', type: parseType(type) }] }))
}

function found(result: SplitResult) {
  expect(result.rejected).toEqual([])
  return { values: valuesOf(result, 'v'), rescued: rescuedOf(result, 'v') }
}

const whole = (...values: unknown[]) => ({ values, rescued: values.map(() => null) })
const rescued = (...texts: string[]) => ({ values: texts.map(() => null), rescued: texts })

describe('arrays', () => {
  it('take arrays whose elements the type of elements takes, nulls among them', () => {
    expect(fromJson('array(bigint)', '[1,null,"3",4e0]', '[]', 'null', ' [ 5 , 6 ] ')).toEqual(
      whole([1n, null, 3n, 4n], [], null, [5n, 6n]),
    )
    expect(fromJson('array(array(varchar))', '[["a",1.50],[],null,[null]]')).toEqual(
      whole([['a', '1.50'], [], null, [null]]),
    )
  })

  it('are rescued whole where one element does not fit, or fits nearly, and leave the rows beside alone', () => {
    const texts = ['[1,[2],"x"]', '[1.5]', '[[1]]', '{"a":1}', '7', '"[1]"', '[9223372036854775808]']
    for (const text of texts) {
      expect(fromJson('array(bigint)', '[1]', text, '[2,3]')).toEqual({
        values: [[1n], null, [2n, 3n]],
        rescued: [null, text, null],
      })
    }
    expect(fromJson('array(double)', '[0.5,9007199254740993]', '[0.25]')).toEqual({
      values: [null, [0.25]],
      rescued: ['[0.5,9007199254740993]', null],
    })
    expect(fromJson('array(timestamp)', '["2024-01-01T00:00:00.0000001"]').values).toEqual([null])
    expect(fromJson('array(array(varchar))', '[["left"],["over"],7]', '[["b"]]').values).toEqual([null, [['b']]])
  })

  it('in a json or varchar column stay text, and so does what is inside of arrays of these', () => {
    expect(fromJson('array(json)', '[{"a": [1]},"x",null]')).toEqual(whole(['{"a": [1]}', '"x"', null]))
    expect(fromJson('array(varchar)', '[{"a": [1]},"x\\n",true]')).toEqual(whole(['{"a": [1]}', 'x\n', 'true']))
  })
})

describe('maps', () => {
  it('take objects, with keys of any type that their text says exactly', () => {
    expect(fromJson('map(varchar,bigint)', '{"a":1,"b":null}', '{}')).toEqual(
      whole(
        new Map([
          ['a', 1n],
          ['b', null],
        ] as const),
        new Map(),
      ),
    )
    expect(fromJson('map(bigint,varchar)', '{"-7":"x"}', '{"07":"x"}')).toEqual({
      values: [new Map([[-7n, 'x']]), null],
      rescued: [null, '{"07":"x"}'],
    })
    expect(fromJson('map(date,boolean)', '{"1970-01-02":true}')).toEqual(whole(new Map([[1, true]])))
  })

  it('are rescued where a key is there twice, also if only the type makes it the same', () => {
    expect(fromJson('map(varchar,bigint)', '{"a":1,"a":1}', '{"a":1,"\\u0061":2}')).toEqual(
      rescued('{"a":1,"a":1}', '{"a":1,"\\u0061":2}'),
    )
    expect(fromJson('map(double,bigint)', '{"1":1,"1.0":1}', '{"0":1,"-0.0":1}').values).toEqual([null, null])
    expect(fromJson('map(decimal(20,1),bigint)', '{"1":1,"1.0":1}', '{"1":1,"2":1}').values).toEqual([
      null,
      new Map([
        [10n, 1n],
        [20n, 1n],
      ]),
    ])
    expect(fromJson('array(map(varchar,bigint))', '[{"a":1},{"a":2}]').rescued).toEqual([null])
  })

  it('have no nested keys', () => {
    expect(fromJson('map(array(bigint),bigint)', '{}', '{"[1]":1}')).toEqual({
      values: [new Map(), null],
      rescued: [null, '{"[1]":1}'],
    })
  })
})

describe('rows', () => {
  it('take objects by the names of their fields, in any order; what is missing is null', () => {
    const type = 'row(a bigint,"Long Name" row(x varchar,y varchar))'
    expect(fromJson(type, '{"Long Name":{"y":"2","x":"1"},"a":5}', '{"a":5}', '{}')).toEqual(
      whole({ a: 5n, 'Long Name': { x: '1', y: '2' } }, { a: 5n, 'Long Name': null }, { a: null, 'Long Name': null }),
    )
  })

  it('know their fields also in another case, but each once', () => {
    expect(fromJson('row(a bigint)', '{"A":1}', '{"\\u0041":2}')).toEqual(whole({ a: 1n }, { a: 2n }))
    expect(fromJson('row(a bigint)', '{"A":1,"a":2}', '{"a":1,"a":1}')).toEqual(
      rescued('{"A":1,"a":2}', '{"a":1,"a":1}'),
    )
  })

  it('are rescued where the type has no such field, unless nothing is in it', () => {
    expect(fromJson('row(a bigint)', '{"a":1,"b":2}', '{"b":null,"a":1}')).toEqual({
      values: [null, { a: 1n }],
      rescued: ['{"a":1,"b":2}', null],
    })
    expect(fromJson('array(row(a varchar,b bigint))', '[{"a":"left","b":"over"}]', '[{"b":1}]')).toEqual({
      values: [null, [{ a: null, b: 1n }]],
      rescued: ['[{"a":"left","b":"over"}]', null],
    })
  })
})

describe('nested values of MessagePack', () => {
  it('have keys of any kind, bytes and moments', () => {
    expect(fromHex('map(bigint,varbinary)', '82 01 c4 02 ff 00 cf 7fffffffffffffff c0')).toEqual(
      whole(
        new Map([
          [1n, 'ff00'],
          [2n ** 63n - 1n, null],
        ] as const),
      ),
    )
    expect(fromHex('map(bigint,bigint)', '82 01 01 a131 02').values).toEqual([null])
    expect(fromHex('map(varchar,bigint)', '81 c0 01').rescued).toEqual(['{"null":1}'])
    expect(fromHex('map(varchar,bigint)', '81 05 01').values).toEqual([new Map([['5', 1n]])])
    expect(fromHex('row(a bigint)', '81 c40161 05').values).toEqual([{ a: 5n }])
    expect(fromMsgpack('array(timestamp)', [new Date(1500), null])).toEqual(whole([1_500_000n, null]))
    expect(fromMsgpack('array(double)', [Number.NaN, 1.5])).toEqual(whole([Number.NaN, 1.5]))
    expect(fromMsgpack('array(json)', [{ a: [1n] }, 'x'])).toEqual(whole(['{"a":[1]}', '"x"']))
  })

  it('of a foreign extension fit no array', () => {
    const type = new ExtData(5, Uint8Array.of(1))
    expect(fromMsgpack('array(bigint)', type).rescued).toEqual(['{"ext":5,"data":"AQ=="}'])
    expect(fromMsgpack('array(varchar)', [type])).toEqual(whole(['{"ext":5,"data":"AQ=="}']))
  })
})

describe('limits of nested values', () => {
  const nest = (levels: number, value: string) => '['.repeat(levels) + value + ']'.repeat(levels)
  const rows = (levels: number) => 'row(a '.repeat(levels) + 'bigint' + ')'.repeat(levels)
  const objects = (levels: number) => '{"a":'.repeat(levels) + '7' + '}'.repeat(levels)

  it('are those of records in depth', () => {
    const { values, rescued: kept } = fromJson(rows(63), objects(63), objects(62))
    expect(JSON.stringify(values[0], (_, value: unknown) => (typeof value === 'bigint' ? 7 : value))).toBe(objects(63))
    expect(kept).toEqual([null, objects(62)])
    const tooDeep = split('ndjson', `{"v":${objects(64)}}\n{"v":null}`, {
      known: [{ name: 'v', type: parseType(rows(63)) }],
    })
    expect(tooDeep.rejected).toMatchObject([{ reason: 'depth' }])
    expect(fromJson('array(json)', nest(63, ''))).toEqual(whole([nest(62, '')]))
  })

  it('let a million values be inside of one, and rescue one with more', () => {
    const body = (count: number) => `{"v":[${Array.from({ length: count }, (_, index) => index % 10).join(',')}]}`
    const known = [{ name: 'v', type: parseType('array(bigint)') }]
    const result = split('ndjson', [body(100), body(1001), body(999)].join('\n'), {
      known,
      limits: { nestedValuesMax: 1000 },
    })
    expect(valuesOf(result, 'v').map((value) => (value as unknown[] | null)?.length)).toEqual([100, undefined, 999])
    expect(rescuedOf(result, 'v').map((text) => text?.length)).toEqual([undefined, 2003, undefined])
    const large = split('ndjson', body(200_000), { known })
    expect((valuesOf(large, 'v')[0] as unknown[]).length).toBe(200_000)
  })

  it('keep halves of surrogate pairs in the text that was rescued', () => {
    expect(fromJson('array(varchar)', '["\\ud83d"]')).toEqual(rescued('["\\ud83d"]'))
  })
})

describe('text in which JSON is written', () => {
  const fromText = (type: string, ...values: string[]) => {
    const lines = values.map((value) => JSON.stringify({ v: value })).join('\n')
    const body = {
      bytes: Buffer.from(lines),
      format: 'ndjson',
      textMayBeNested: true,
      timeColumn: null,
      receivedAtUs,
    } as const
    return found(createSplitter().split([body], [{ name: 'v', type: parseType(type) }], limits))
  }

  it('fills nested columns where the format has only text', () => {
    expect(fromText('array(varchar)', ' ["a\\n\\"",\n "b"] ', '[]')).toEqual(whole(['a\n"', 'b'], []))
    expect(fromText('map(varchar,row(a bigint))', '{"k":{"a":"1"}}')).toEqual(whole(new Map([['k', { a: 1n }]])))
    const strays = ['[1', '[1] 2', 'null', '1', '', '["\\ud83d"]', '['.repeat(64) + ']'.repeat(64), '["[1]"]']
    expect(fromText('array(array(bigint))', ...strays)).toEqual(rescued(...strays.map((text) => JSON.stringify(text))))
  })

  it('fills nothing else', () => {
    expect(fromText('json', '[1]')).toEqual(whole('"[1]"'))
    expect(fromJson('array(bigint)', '"[1]"')).toEqual(rescued('"[1]"'))
  })
})
