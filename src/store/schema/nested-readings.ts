import { foldedName } from '../../base/names.ts'
import type { LogicalType } from '../types.ts'
import { duckdbFileType, isScalar, quotedName } from '../types.ts'
import { isNumberText } from './number-parts.ts'
import type { TypeReading } from './type-readings.ts'

/**
 * Reads an array or object of JSON for a nested column: whole, or not at all. DuckDB's functions of JSON write numbers in their own
 * way, `1.50` as `1.5`; where that could be seen, or lose digits, the value is left as it is.
 */
export function nestedReading(type: LogicalType): TypeReading {
  const isPlain = hasText(type) ? 'false' : `NOT regexp_matches(numbers, '[0-9.]{16}|[0-9][eE]')`
  return {
    steps: [
      { plain: 'CASE WHEN json_valid(raw) THEN json(raw)::VARCHAR END' },
      { numbers: skeleton('raw'), plain_numbers: skeleton('plain') },
      { nested: `CASE WHEN numbers = plain_numbers OR ${isPlain} THEN ${within('plain', type)} END` },
    ],
    value: 'CASE WHEN nested.fits THEN nested.value END',
    isWhole: 'true',
  }
}

/** The text without its strings and blanks: what is left of two equal ones is the same but for the numbers. */
function skeleton(text: string): string {
  return `regexp_replace(regexp_replace(${text}, '"(?:[^"\\\\]|\\\\.)*"', '""', 'g'), '[ \\t\\r\\n]+', '', 'g')`
}

/** Whether numbers may become text somewhere inside. */
function hasText(type: LogicalType): boolean {
  switch (type.kind) {
    case 'varchar':
    case 'json':
      return true
    case 'array':
      return hasText(type.element)
    case 'map':
      return hasText(type.value)
    case 'row':
      return type.fields.some((field) => hasText(field.type))
    default:
      return false
  }
}

/** SQL knows no LET: a list of one element is gone through instead. */
function where(bindings: Readonly<Record<string, string>>, result: string): string {
  return Object.entries(bindings).reduceRight(
    (inner, [name, expression]) => `list_transform([${expression}], lambda ${name}: ${inner})[1]`,
    result,
  )
}

const answer = (value: string, fits: string) => `{'value': ${value}, 'fits': ${fits}}`
const every = (list: string) => `coalesce(list_bool_and(list_transform(${list}, lambda i: i.fits)), true)`
const valuesOf = (list: string) => `list_transform(${list}, lambda i: i.value)`

/** The value of a JSON text, and whether it fits whole. */
function within(text: string, type: LogicalType): string {
  const nothing = `CAST(NULL AS ${duckdbFileType(type)})`
  return where(
    { raw: text },
    `CASE WHEN raw = 'null' THEN ${answer(nothing, 'true')} WHEN ${isOfKind(type)} THEN ${presentValue(type)} ELSE ${answer(nothing, 'false')} END`,
  )
}

function isOfKind(type: LogicalType): string {
  if (isScalar(type)) return 'true'
  return `starts_with(raw, '${type.kind === 'array' ? '[' : '{'}')`
}

function presentValue(type: LogicalType): string {
  switch (type.kind) {
    case 'array':
      return where(
        { items: `list_transform(json_extract(raw, '$[*]')::VARCHAR[], lambda raw: ${within('raw', type.element)})` },
        answer(valuesOf('items'), every('items')),
      )
    case 'map':
      return mapValue(type)
    case 'row':
      return rowValue(type)
    default:
      return scalarValue(type)
  }
}

/** As `typeReading`, in one expression, which takes fewer ways of writing numbers: the others were left out before. */
function scalarValue(type: LogicalType): string {
  const value = `CAST(${scalarExpression(type)} AS ${duckdbFileType(type)})`
  return answer(value, `${value} IS NOT NULL`)
}

const isString = `starts_with(raw, '"')`
const word = `CASE WHEN ${isString} THEN raw ->> '$' ELSE raw END`
const number = `CASE WHEN ${isNumberText(word)} AND strlen(${word}) <= 1100 THEN ${word} END`

function scalarExpression(type: LogicalType): string {
  switch (type.kind) {
    case 'boolean':
      return `CASE ${word} WHEN 'true' THEN true WHEN 'false' THEN false END`
    case 'bigint':
      return `CASE
  WHEN ${isString} THEN CASE WHEN regexp_matches(raw, '^"(0|-?[1-9][0-9]{0,18})"$') THEN try_cast(${word} AS BIGINT) END
  WHEN regexp_matches(raw, '^-?[0-9]+([.]0+)?$') THEN try_cast(regexp_replace(raw, '[.].*', '') AS BIGINT)
END`
    case 'double':
      return `CASE
  WHEN strlen(${number}) <= 15 AND NOT contains(lower(${number}), 'e') THEN try_cast(${number} AS DOUBLE)
  WHEN try_cast(${number} AS DOUBLE)::VARCHAR IN (${number}, ${number} || '.0') THEN try_cast(${number} AS DOUBLE)
END`
    case 'decimal': {
      const { precision, scale } = type
      const pattern = `^-?(0|[1-9][0-9]{0,${precision - scale - 1}})([.][0-9]{0,${scale}}0*)?$`
      const small = `^-?0([.][0-9]{0,${scale}}0*)?$`
      return `CASE WHEN regexp_matches(${number}, '${precision > scale ? pattern : small}') THEN try_cast(${number} AS ${duckdbFileType(type)}) END`
    }
    case 'varchar':
      return word
    case 'json':
      return 'raw'
    case 'date':
      return `CASE WHEN regexp_matches(raw, '^"[0-9]{4}-[0-9]{2}-[0-9]{2}"$') THEN try_cast(${word} AS DATE) END`
    case 'timestamp':
      return `CASE WHEN regexp_matches(raw, '^"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-2][0-9]:[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?Z?)?"$')
  THEN try_cast(replace(replace(${word}, 'T', ' '), 'Z', '') AS TIMESTAMP) END`
    default:
      return 'NULL'
  }
}

/** The texts of the keys are those of strings. */
const keys = 'list_transform(json_keys(raw), lambda k: to_json(k)::VARCHAR)'
const items = `json_extract(raw, '$.*')::VARCHAR[]`

function mapValue({ key, value }: LogicalType & { kind: 'map' }): string {
  return where(
    {
      names: `list_transform(${keys}, lambda raw: ${within('raw', key)})`,
      items: `list_transform(${items}, lambda raw: ${within('raw', value)})`,
      fit: `${every('names')} AND ${every('items')} AND len(list_distinct(${valuesOf('names')})) = len(names)`,
    },
    answer(`CASE WHEN fit THEN map(${valuesOf('names')}, ${valuesOf('items')}) END`, 'fit'),
  )
}

function rowValue({ fields }: LogicalType & { kind: 'row' }): string {
  const named = fields.map(({ name }, index) => `WHEN ${quotedText(name)} THEN ${index + 1}`).join(' ')
  const folded = fields.map(({ name }, index) => `WHEN ${quotedText(foldedName(name))} THEN ${index + 1}`).join(' ')
  const values = fields.map((field, index) => {
    const item = `coalesce(items[list_position(places, ${index + 1})], 'null')`
    return [`field_${index}`, within(item, field.type)] as const
  })
  const known = 'list_filter(places, lambda p: p IS NOT NULL)'
  const strange = `list_filter(list_zip(places, items), lambda z: z[1] IS NULL AND z[2] <> 'null')`
  const packed = fields.map(({ name }, index) => `${quotedName(name)} := field_${index}.value`).join(', ')
  const fits = [
    `len(list_distinct(${known})) = len(${known})`,
    `len(${strange}) = 0`,
    ...values.map(([name]) => `${name}.fits`),
  ]
  return where(
    {
      places: `list_transform(json_keys(raw), lambda k: CASE k ${named} ELSE CASE ${foldedText('k')} ${folded} END END)`,
      items,
      ...Object.fromEntries(values),
    },
    answer(`struct_pack(${packed})`, fits.join(' AND ')),
  )
}

/** Upper and lower case are told apart but for the letters of ASCII. */
function foldedText(text: string): string {
  return `translate(${text}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`
}

function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
