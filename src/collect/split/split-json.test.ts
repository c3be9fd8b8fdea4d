import { describe, expect, it } from 'vitest'

import type { LogicalType } from '../../store/types.ts'
import { columnOf, kindsOf, rescuedOf, rowsOf, split, valuesOf } from './testing/split-text.ts'

const known = (kind: Exclude<LogicalType['kind'], 'decimal' | 'array' | 'map' | 'row'>) => [
  { name: 'v', type: { kind } },
]

/** Splits one JSON text a row into the column `v` of a type. */
function intoColumn(kind: Parameters<typeof known>[0], ...texts: string[]) {
  const result = split('ndjson', texts.map((text) => `{"v":${text}}`).join('\n'), { known: known(kind) })
  expect(result.rejected).toEqual([])
  return { values: valuesOf(result, 'v'), rescued: rescuedOf(result, 'v') }
}

const reasonsOf = (result: ReturnType<typeof split>) =>
  result.rejected.map(({ recordNumber, reason }) => [recordNumber, reason])

describe('lines', () => {
  it('skips blank ones and a byte order mark, takes CRLF and a last line without an end', () => {
    const result = split('ndjson', '\uFEFF{"a":1}\r\n\n  \t\r\n {"a" : 2 } \n{"a":3}')
    expect(valuesOf(result, 'a')).toEqual([1n, 2n, 3n])
    expect(result.bodies).toEqual([{ rows: 3, rejected: 0 }])
  })

  it('leaves the neighbours of a malformed line alone', () => {
    const body = '{"a":1}\n{"a":2,\n{"a":3}\n{"a":4}}\n{"a":nul}\n{"b":"x\n{"a":5}\r\n"text"\n[{"a":1}]\n{"a":6}'
    const result = split('ndjson', body)
    expect(valuesOf(result, 'a')).toEqual([1n, 3n, 5n, 6n])
    expect(kindsOf(result)).toEqual({ a: 'bigint' })
    expect(reasonsOf(result)).toEqual([
      [1, 'json_syntax'],
      [3, 'json_syntax'],
      [4, 'json_syntax'],
      [5, 'json_syntax'],
      [7, 'not_an_object'],
      [8, 'not_an_object'],
    ])
    const [first] = result.rejected
    expect(first?.byteOffset).toBe(8)
    expect(Buffer.from(first?.raw ?? []).toString()).toBe('{"a":2,')
    expect(first?.detail).toBe('the line ends where a key should be')
  })

  it('says where a body was cut', () => {
    const result = split('ndjson', '{"a":1}\n{"a":"x')
    expect(reasonsOf(result)).toEqual([[1, 'truncated']])
    expect(result.bodies).toEqual([{ rows: 1, rejected: 1 }])
  })
})

describe('documents', () => {
  it('reads an object, an array, and several of them', () => {
    expect(valuesOf(split('json', '{"a":1}'), 'a')).toEqual([1n])
    expect(valuesOf(split('json', ' [ {"a":1} ,\n{"a":2}] '), 'a')).toEqual([1n, 2n])
    expect(valuesOf(split('json', '{"a":1}{"a":2}\n[{"a":3}] [] {"a":4}'), 'a')).toEqual([1n, 2n, 3n, 4n])
    expect(split('json', '').bodies).toEqual([{ rows: 0, rejected: 0 }])
    expect(split('json', '[]').bodies).toEqual([{ rows: 0, rejected: 0 }])
  })

  it('goes on behind a broken element', () => {
    const result = split('json', '[{"a":1},{"a":"]}",, "b":[1,{}]},{"a":2},7,{"a":3,"a":3},nul,{"a":4}]')
    expect(valuesOf(result, 'a')).toEqual([1n, 2n, 4n])
    expect(reasonsOf(result)).toEqual([
      [1, 'json_syntax'],
      [3, 'not_an_object'],
      [4, 'duplicate_key'],
      [5, 'json_syntax'],
    ])
    expect(Buffer.from(result.rejected[0]?.raw ?? []).toString()).toBe('{"a":"]}",, "b":[1,{}]}')
  })

  it('rejects the rest as one record where it cannot tell how to go on', () => {
    const result = split('json', '[{"a":1},{"a":"x},{"a":3}]')
    expect(valuesOf(result, 'a')).toEqual([1n])
    expect(reasonsOf(result)).toEqual([[1, 'json_syntax']])
    expect(Buffer.from(result.rejected[0]?.raw ?? []).toString()).toBe('{"a":"x},{"a":3}]')
    expect(reasonsOf(split('json', '[{"a":1} {"a":2}]'))).toEqual([[1, 'json_syntax']])
    expect(reasonsOf(split('json', '[{"a":1},]'))).toEqual([[1, 'json_syntax']])
  })

  it('says that an array was cut, though its elements are whole', () => {
    expect(reasonsOf(split('json', '[{"a":1},{"a":2}'))).toEqual([[2, 'truncated']])
    expect(reasonsOf(split('json', '[{"a":1},{"a":'))).toEqual([[1, 'truncated']])
  })
})

describe('a bigint column', () => {
  it('holds every digit of int64', () => {
    const { values, rescued } = intoColumn(
      'bigint',
      '9223372036854775807',
      '-9223372036854775808',
      '123456789012345678',
      '-0',
    )
    expect(values).toEqual([9223372036854775807n, -9223372036854775808n, 123456789012345678n, 0n])
    expect(rescued).toEqual([null, null, null, null])
  })

  it('rescues 2^63 and beyond, with its digits', () => {
    const texts = ['9223372036854775808', '-9223372036854775809', '123456789012345678901234567890', '1e19']
    expect(intoColumn('bigint', ...texts)).toEqual({ values: [null, null, null, null], rescued: texts })
  })

  it('rescues 1.9, but takes 1.0 and 1e3 and what else is an integer', () => {
    const whole = ['1.0', '1e3', '1.5e1', '-12.50E+2', '0.0', '9223372036854775807.000', '1234567890123456.0e1']
    expect(intoColumn('bigint', ...whole)).toEqual({
      values: [1n, 1000n, 15n, -1250n, 0n, 9223372036854775807n, 12345678901234560n],
      rescued: whole.map(() => null),
    })
    const broken = ['1.9', '1e-1', '0.00001', '9007199254740993.5', '1e400', '1e-400']
    expect(intoColumn('bigint', ...broken)).toEqual({ values: broken.map(() => null), rescued: broken })
  })

  it('rescues true, false, objects and arrays', () => {
    const texts = ['true', 'false', '{"a":1}', '[1]']
    expect(intoColumn('bigint', ...texts)).toEqual({ values: texts.map(() => null), rescued: texts })
  })

  it('takes "200" as 200, and rescues other text', () => {
    const texts = ['"200"', '"-7"', '"0"', '"9223372036854775807"', '"2\\u00300"']
    expect(intoColumn('bigint', ...texts).values).toEqual([200n, -7n, 0n, 9223372036854775807n, 200n])
    const others = ['"0200"', '"abc"', '"+1"', '"1.0"', '" 1"', '""', '"-"', '"-0"', '"9223372036854775808"', '"1e3"']
    expect(intoColumn('bigint', ...others)).toEqual({ values: others.map(() => null), rescued: others })
  })
})

describe('other columns', () => {
  it('double holds the nearest double, and the digits are rescued where that says another number', () => {
    const whole = [
      '0.1',
      '1.50',
      '-0.0',
      '1e308',
      '5',
      '9007199254740992',
      '"2.5"',
      '123456.789e3',
      '0.30000000000000004',
    ]
    const wholeValues = [0.1, 1.5, -0, 1e308, 5, 9007199254740992, 2.5, 123456789, 0.1 + 0.2]
    expect(intoColumn('double', ...whole)).toEqual({ values: wholeValues, rescued: whole.map(() => null) })
    const rounded = [
      '9007199254740993',
      '3.14159265358979323846',
      '1e-400',
      '"0.12345678901234567890"',
      '18446744073709551615',
    ]
    const roundedValues = [9007199254740992, Math.PI, 0, Number('0.1234567890123456789'), 2 ** 64]
    expect(intoColumn('double', ...rounded)).toEqual({ values: roundedValues, rescued: rounded })
    const others = ['1e400', 'true', '"1e400"', '"NaN"', '"1."', '[]']
    expect(intoColumn('double', ...others)).toEqual({ values: others.map(() => null), rescued: others })
  })

  it('varchar holds strings as they are and everything else as its JSON text', () => {
    const texts = ['"a\\u0000\\n\\"é\\ud83d\\ude00/"', '1.50', '-0', 'true', '{"a" : [1, 2.0]}', '18446744073709551616']
    const values = ['a\0\n"é😀/', '1.50', '-0', 'true', '{"a" : [1, 2.0]}', '18446744073709551616']
    expect(intoColumn('varchar', ...texts)).toEqual({ values, rescued: texts.map(() => null) })
  })

  it('json holds any value as its JSON text', () => {
    const texts = ['"a\\u0000"', '1.50', 'false', '[1, {"b":null}]']
    expect(intoColumn('json', ...texts)).toEqual({ values: texts, rescued: texts.map(() => null) })
  })

  it('boolean holds booleans and their names', () => {
    expect(intoColumn('boolean', 'true', 'false', '"true"', '"false"').values).toEqual([true, false, true, false])
    const others = ['1', '0', '"TRUE"', '"yes"', '{}']
    expect(intoColumn('boolean', ...others)).toEqual({ values: others.map(() => null), rescued: others })
  })

  it('date and timestamp hold dates and moments', () => {
    expect(intoColumn('date', '"1970-01-02"', '"2024-02-29"', '"0001-01-01"').values).toEqual([1, 19_782, -719_162])
    const noDates = ['"2023-02-29"', '"2024-1-1"', '"2024-01-01T00:00:00"', '19782']
    expect(intoColumn('date', ...noDates)).toEqual({ values: noDates.map(() => null), rescued: noDates })
    const moments = ['"1970-01-01T00:00:01.5Z"', '"2024-02-29 12:00+01:00"', '"5000-01-01"']
    const micros = [1_500_000n, 1_709_204_400_000_000n, 95_617_584_000_000_000n]
    expect(intoColumn('timestamp', ...moments)).toEqual({ values: micros, rescued: [null, null, null] })
    const finer = ['"1970-01-01T00:00:00.0000019Z"']
    expect(intoColumn('timestamp', ...finer)).toEqual({ values: [1n], rescued: finer })
    const none = ['1700000000', '"1700000000"', '"2024-13-01"']
    expect(intoColumn('timestamp', ...none)).toEqual({ values: none.map(() => null), rescued: none })
  })

  it.each([
    [9, 2, 'int32'],
    [18, 2, 'int64'],
    [38, 2, 'fixed'],
  ])('decimal(%i,%i) holds what has no more digits', (precision, scale, vectorKind) => {
    const type = { kind: 'decimal', precision, scale } as const
    const texts = ['1', '-1.50', '"12.3"', '1e2', '1.234', 'true', '"x"', `1${'0'.repeat(precision)}`]
    const result = split('ndjson', texts.map((text) => `{"v":${text}}`).join('\n'), { known: [{ name: 'v', type }] })
    expect(valuesOf(result, 'v').map((value) => (value === null ? null : Number(value)))).toEqual([
      100,
      -150,
      1230,
      10_000,
      null,
      null,
      null,
      null,
    ])
    expect(columnOf(result, 'v')?.vector.kind).toBe(vectorKind)
    expect(rescuedOf(result, 'v').slice(4)).toEqual(texts.slice(4))
  })

  it('varbinary takes nothing of JSON', () => {
    const result = split('ndjson', '{"b":"eA=="}', { known: [{ name: 'b', type: { kind: 'varbinary' } }] })
    expect(rowsOf(result)).toEqual([expect.objectContaining({ _rescued: { b: '"eA=="' } })])
    expect(kindsOf(result)).toEqual({})
  })
})

describe('new columns', () => {
  const cases: [string, string[], string, unknown[]][] = [
    ['booleans', ['true', 'null', 'false'], 'boolean', [true, null, false]],
    ['integers', ['1', '9223372036854775807'], 'bigint', [1n, 9223372036854775807n]],
    ['numbers, as a person wrote 1.0', ['1.0', '2'], 'double', [1, 2]],
    ['integers and fractions', ['1', '2.5', '9007199254740992'], 'double', [1, 2.5, 2 ** 53]],
    ['integers that doubles round', ['9007199254740993', '2.50'], 'varchar', ['9007199254740993', '2.50']],
    ['integers beyond int64', ['1', '9223372036854775808'], 'varchar', ['1', '9223372036854775808']],
    ['numbers beyond doubles', ['1.0', '1e400'], 'varchar', ['1.0', '1e400']],
    [
      'integers of which the second is the first that doubles round',
      ['10000000000000000', '9007199254740993', '2.50'],
      'varchar',
      ['10000000000000000', '9007199254740993', '2.50'],
    ],
    ['numbers of which the second is the first beyond doubles', ['1e300', '1e400'], 'varchar', ['1e300', '1e400']],
    ['strings', ['"a"', 'null', '""'], 'varchar', ['a', null, '']],
    ['numbers and strings', ['1.50', '"a"', 'true'], 'varchar', ['1.50', 'a', 'true']],
    ['objects and arrays', ['{"a":1}', '[]'], 'json', ['{"a":1}', '[]']],
    ['objects and numbers', ['{"a":1}', '2'], 'varchar', ['{"a":1}', '2']],
    ['booleans and numbers', ['true', '2'], 'varchar', ['true', '2']],
  ]

  it.each(cases)('of %s', (_what, texts, kind, values) => {
    const body = texts.map((text) => `{"v":${text}}`).join('\n')
    for (const result of [split('ndjson', body), split('ndjson', body.split('\n'))]) {
      expect(kindsOf(result)).toEqual({ v: kind })
      expect(valuesOf(result, 'v')).toEqual(values)
      expect(columnOf(result, '_rescued')).toBeUndefined()
    }
  })

  it('come in the order in which they were first seen, and not at all where everything is null', () => {
    const result = split('ndjson', '{"b":1,"n":null,"a":"x"}\n{"c":[],"a":1}')
    expect(Object.keys(kindsOf(result))).toEqual(['b', 'a', 'c'])
  })

  it('come not from rejected records', () => {
    const result = split('ndjson', '{"x":1,"y":"a","x":2}\n{"a":"text","b":\n{"a":1}\n{"x":true}')
    expect(kindsOf(result)).toEqual({ a: 'bigint', x: 'boolean' })
  })

  it('are not made of names that another column has in another case: those values are rescued', () => {
    const result = split('ndjson', '{"a":1,"CODE":"y"}\n{"A":2,"a":3}\n{"A":4}\n{"x":1,"X":2}', {
      known: [{ name: 'code', type: { kind: 'bigint' } }],
    })
    expect(kindsOf(result)).toEqual({ a: 'bigint', x: 'bigint' })
    expect(valuesOf(result, 'a')).toEqual([1n, 3n, null, null])
    expect(rescuedOf(result, 'A')).toEqual([null, '2', '4', null])
    expect(rescuedOf(result, 'CODE')).toEqual(['"y"', null, null, null])
    expect(rescuedOf(result, 'X')).toEqual([null, null, null, '2'])
  })

  it('are not made of names that no column may have: those values are rescued', () => {
    const long = 'x'.repeat(256)
    const result = split('ndjson', `{"":1,"time_us":2,"_rescued":{},"a\\nb":3,"${long}":4,"ok":5,"Time":6}`)
    expect(kindsOf(result)).toEqual({ ok: 'bigint' })
    const rescued = { '': '1', time_us: '2', _rescued: '{}', 'a\nb': '3', [long]: '4', Time: '6' }
    expect(rowsOf(result)[0]).toMatchObject({ _rescued: rescued })
  })
})

describe('keys', () => {
  it('may not be twice in a record, however they are written', () => {
    const result = split(
      'ndjson',
      '{"a":1,"a":1}\n{"a":1,"\\u0061":2}\n{"a":null,"b":1,"a":null}\n{"a":1,"b":{"c":1,"c":2}}',
    )
    expect(reasonsOf(result)).toEqual([
      [0, 'duplicate_key'],
      [1, 'duplicate_key'],
      [2, 'duplicate_key'],
    ])
    expect(result.rejected[0]?.detail).toBe('the record has the key "a" twice')
    expect(valuesOf(result, 'b')).toEqual(['{"c":1,"c":2}'])
  })

  it('are all ordinary, __proto__ and its like too', () => {
    const result = split('ndjson', '{"__proto__":1,"constructor":2,"toString":3,"hasOwnProperty":4}')
    expect(kindsOf(result)).toEqual({
      ['__proto__']: 'bigint',
      constructor: 'bigint',
      toString: 'bigint',
      hasOwnProperty: 'bigint',
    })
  })

  it('are the same in any order, with optional ones, escapes and other alphabets', () => {
    const result = split(
      'ndjson',
      '{"é":1,"b":2,"q\\"":3}\n{"b":5,"\\u00e9":4}\n{"q\\"":6,"é":7,"x":0}\n{ "b" :8 , "é" :9}',
    )
    expect(valuesOf(result, 'é')).toEqual([1n, 4n, 7n, 9n])
    expect(valuesOf(result, 'b')).toEqual([2n, 5n, null, 8n])
    expect(valuesOf(result, 'q"')).toEqual([3n, null, 6n, null])
  })
})

describe('text', () => {
  it('that is not UTF-8 rejects the record, wherever it is', () => {
    const bad = Buffer.from([0xc3, 0x28])
    const body = Buffer.concat(
      ['{"a":"', bad, '"}\n{"', bad, '":1}\n{"a":["', bad, '"]}\n{"a":"é"}'].map((part) => Buffer.from(part)),
    )
    const result = split('ndjson', body)
    expect(reasonsOf(result)).toEqual([
      [0, 'utf8'],
      [1, 'utf8'],
      [2, 'utf8'],
    ])
    expect(valuesOf(result, 'a')).toEqual(['é'])
  })

  it('with half of a surrogate pair is rescued as it was written, and rejects the record in a key', () => {
    const result = split(
      'ndjson',
      '{"a":"x\\ud83d"}\n{"a":"\\ude00"}\n{"a":["\\uD800\\u0041"]}\n{"a":"ok","b":1}\n{"\\ud800":1}',
    )
    expect(valuesOf(result, 'a')).toEqual([null, null, null, 'ok'])
    expect(rescuedOf(result, 'a')).toEqual(['"x\\ud83d"', '"\\ude00"', '["\\uD800\\u0041"]', null])
    expect(reasonsOf(result)).toEqual([[4, 'utf8']])
  })

  it('has no control characters and only the escapes of JSON', () => {
    const result = split('ndjson', '{"a":"\t"}\n{"a":"\\x"}\n{"a":"\\u12g4"}\n{"a":"\\\n{"a":"\\/\\b\\f\\r\\t\\\\"}')
    expect(result.rejected.map(({ reason }) => reason)).toEqual(Array.from({ length: 4 }, () => 'json_syntax'))
    expect(valuesOf(result, 'a')).toEqual(['/\b\f\r\t\\'])
  })

  it.each(['01', '1.', '.5', '+1', '-', '1e', '1e+', '0x1', 'NaN', 'Infinity', '1_0', '--1', '00'])(
    'that is no number of JSON rejects the record: %s',
    (text) => {
      expect(reasonsOf(split('ndjson', `{"a":1}\n{"a":${text}}\n{"a":2}`))).toEqual([[1, 'json_syntax']])
      expect(reasonsOf(split('ndjson', `{"a":[${text}]}`))).toEqual([[0, 'json_syntax']])
    },
  )
})

describe('limits', () => {
  const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`

  it('allow as many levels as they say, the record being the first', () => {
    const result = split('ndjson', `{"a":${nested(63)}}\n{"a":${nested(64)}}\n{"a":1}`)
    expect(reasonsOf(result)).toEqual([[1, 'depth']])
    expect(result.rejected[0]?.detail).toBe('the record has more than 64 levels of arrays and objects')
  })

  it.each([10_000, 1_000_000])('hold against %i levels', (levels) => {
    const objects = `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    const lines = split('ndjson', `{"a":1}\n{"a":${nested(levels)}}\n${objects}\n${'['.repeat(levels)}\n{"a":2}`)
    expect(reasonsOf(lines)).toEqual([
      [1, 'depth'],
      [2, 'depth'],
      [3, 'depth'],
    ])
    expect(valuesOf(lines, 'a')).toEqual([1n, 2n])
    const document = split('json', `[{"a":1},{"a":${nested(levels)}},${objects},{"a":2}]`)
    expect(reasonsOf(document)).toEqual([
      [1, 'depth'],
      [2, 'depth'],
    ])
    expect(valuesOf(document, 'a')).toEqual([1n, 2n])
  })

  it('hold for the bytes of a record', () => {
    const result = split('json', `[{"a":"${'x'.repeat(100)}"},{"a":"y"}]`, { limits: { recordBytesMax: 100 } })
    expect(reasonsOf(result)).toEqual([[0, 'record_size']])
    expect(valuesOf(result, 'a')).toEqual(['y'])
  })

  it('hold for columns: a record that would make too many makes none', () => {
    const result = split('ndjson', '{"a":1}\n{"x":1,"y":2}\n{"z":null,"b":3}\n{"c":4}\n{"a":5,"b":6,"k":7}', {
      limits: { columnsMax: 3 },
      known: [{ name: 'k', type: { kind: 'bigint' } }],
    })
    expect(reasonsOf(result)).toEqual([
      [1, 'too_many_columns'],
      [3, 'too_many_columns'],
    ])
    expect(kindsOf(result)).toEqual({ k: 'bigint', a: 'bigint', b: 'bigint' })
  })

  it('hold for rejected records: the last one has the rest of its body behind it', () => {
    const result = split('ndjson', ['x\n'.repeat(99_999) + '{"a":1}\ny\nz\n{"a":2}\n', '{"a":3}\nx\n{"a":4}'])
    expect(result.bodies).toEqual([
      { rows: 1, rejected: 100_000 },
      { rows: 1, rejected: 1 },
    ])
    const [last, further] = result.rejected.slice(-2)
    expect(Buffer.from(last?.raw ?? []).toString()).toBe('y\nz\n{"a":2}\n')
    expect(last?.detail).toContain('100000 records were rejected, and the rest of the body with this one')
    expect(Buffer.from(further?.raw ?? []).toString()).toBe('x\n{"a":4}')
  })

  it('hold for keys that make no columns', () => {
    const keys = Array.from({ length: 200 }, (_, index) => `"k${index}":null`)
    const result = split('ndjson', `{${keys.join(',')}}\n{"a":1}`, { limits: { columnsMax: 10 } })
    expect(reasonsOf(result)).toEqual([[0, 'too_many_columns']])
    expect(valuesOf(result, 'a')).toEqual([1n])
  })
})

describe('time', () => {
  it('is that of the key `time`, which is consumed, or that of receipt', () => {
    const result = split('ndjson', '{"time":1700000000,"a":1}\n{"time":null}\n{}\n{"time":1700000000250}')
    expect(valuesOf(result, 'time')).toEqual([1_700_000_000n, 1_600_000_000n, 1_600_000_000n, 1_700_000_000n])
    expect(valuesOf(result, 'time_us')).toEqual([null, null, null, 1_700_000_000_250_000n])
    expect(kindsOf(result)).toEqual({ a: 'bigint' })
  })

  it('may be that of another key, which stays a column; `time` is rescued then', () => {
    const result = split('ndjson', '{"at":"2024-01-01","time":5}\n{"at":1700000000}', { timeColumn: 'at' })
    expect(valuesOf(result, 'time')).toEqual([1_704_067_200n, 1_700_000_000n])
    expect(valuesOf(result, 'at')).toEqual(['2024-01-01', '1700000000'])
    expect(rescuedOf(result, 'time')).toEqual(['5', null])
  })

  it('that cannot be read rejects the record', () => {
    const values = ['"yesterday"', 'true', '{}', '1e400', '"2024-02-30"', '12345678901234567890']
    const result = split('ndjson', [...values.map((value) => `{"time":${value}}`), '{"time":1}'].join('\n'))
    expect(result.rejected.map(({ reason }) => reason)).toEqual(values.map(() => 'time'))
    expect(result.rejected[0]?.detail).toBe('the value of "time" is no time: yesterday')
    expect(result.rows).toBe(1)
  })

  it('finer than microseconds is rescued, so that no digit is lost', () => {
    const result = split('ndjson', '{"time":1700000000123456789}\n{"time":1700000000123456000}')
    expect(valuesOf(result, 'time_us')).toEqual([1_700_000_000_123_456n, 1_700_000_000_123_456n])
    expect(rescuedOf(result, 'time')).toEqual(['1700000000123456789', null])
  })
})

it('splits several bodies into one set of rows', () => {
  const result = split('ndjson', ['{"a":1}\n{"a":', '', '{"b":2}\nx\n{"a":"3"}'])
  expect(result.bodies).toEqual([
    { rows: 1, rejected: 1 },
    { rows: 0, rejected: 0 },
    { rows: 2, rejected: 1 },
  ])
  expect(result.rejected.map(({ body, recordNumber, byteOffset }) => [body, recordNumber, byteOffset])).toEqual([
    [0, 1, 8],
    [2, 1, 8],
  ])
  expect(valuesOf(result, 'a')).toEqual(['1', null, '3'])
})
