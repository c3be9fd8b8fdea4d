import { AppError } from '../../base/errors.ts'
import { reservedColumnNames } from '../../base/names.ts'
import { isFixedColumn, queryColumns } from '../../store/columns.ts'
import type { Column } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'

/** A moment as Treasure Data writes it: `2020-12-31 11:22:33 UTC`. */
export function dateText(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** Fails with `invalid_name` unless Treasure Data would take the name for a database or table, too. */
export function requireTdName(what: 'database' | 'table', name: string): string {
  if (/^[a-z0-9_]{3,255}$/.test(name)) return name
  throw new AppError('invalid_name', `${JSON.stringify(name.slice(0, 300))} cannot be the name of a ${what}.`, {
    hint: 'Names have 3 to 255 characters: lower-case letters, digits and underscores.',
  })
}

/** The type in Treasure Data's words. What it has no word for is `string`, as its text is what clients get. */
export function tdType(type: LogicalType): string {
  switch (type.kind) {
    case 'boolean':
    case 'double':
      return type.kind
    case 'bigint':
      return 'long'
    case 'array':
      return `array<${tdType(type.element)}>`
    case 'map':
      return `map<${tdType(type.key)},${tdType(type.value)}>`
    default:
      return 'string'
  }
}

const scalarTypes: Readonly<Record<string, LogicalType>> = {
  boolean: { kind: 'boolean' },
  int: { kind: 'bigint' },
  integer: { kind: 'bigint' },
  bigint: { kind: 'bigint' },
  long: { kind: 'bigint' },
  float: { kind: 'double' },
  double: { kind: 'double' },
  string: { kind: 'varchar' },
  varchar: { kind: 'varchar' },
}

/** Arrays of arrays of arrays … nobody needs; the limit keeps a hostile type from overflowing the stack. */
const depthMax = 16

/** The type that a word of Treasure Data means here; the narrower ones are kept in the wider. Fails with `invalid_request`. */
export function typeOfTd(text: string): LogicalType {
  const reader = { text: text.replaceAll(/\s+/g, '').toLowerCase(), at: 0 }
  const type = readType(reader, 1)
  if (type !== undefined && reader.at === reader.text.length) return type
  throw new AppError('invalid_request', `${JSON.stringify(text.slice(0, 200))} is no type.`, {
    hint: 'Types are int, long, float, double, string, boolean, array<type> and map<type,type>.',
  })
}

interface TypeReader {
  readonly text: string
  at: number
}

function readType(reader: TypeReader, depth: number): LogicalType | undefined {
  const word = /[a-z]+/y
  word.lastIndex = reader.at
  const name = word.exec(reader.text)?.[0] ?? ''
  reader.at += name.length
  if (depth > depthMax) return undefined
  if (name === 'array') {
    const [element] = readInner(reader, 1, depth) ?? []
    return element === undefined ? undefined : { kind: 'array', element }
  }
  if (name === 'map') {
    const [key, value] = readInner(reader, 2, depth) ?? []
    return key === undefined || value === undefined ? undefined : { kind: 'map', key, value }
  }
  return Object.hasOwn(scalarTypes, name) ? scalarTypes[name] : undefined
}

/** `<type>` or `<type,type>`. */
function readInner(reader: TypeReader, count: number, depth: number): LogicalType[] | undefined {
  const types: LogicalType[] = []
  for (let index = 0; index < count; index += 1) {
    if (reader.text[reader.at] !== (index === 0 ? '<' : ',')) return undefined
    reader.at += 1
    const type = readType(reader, depth + 1)
    if (type === undefined) return undefined
    types.push(type)
  }
  if (reader.text[reader.at] !== '>') return undefined
  reader.at += 1
  return types
}

/** JSON as Ruby and Python write it, with a space behind each comma: a client in Java looks for that. */
export function spacedJson(value: readonly unknown[]): string {
  return `[${value.map((item) => (Array.isArray(item) ? spacedJson(item) : JSON.stringify(item))).join(', ')}]`
}

/**
 * The schema of a table as text, `[["path", "string"], ["Code", "long", "Code_1"]]`: each column with its name and its type,
 * and the name by which queries reach it where that is another one. `time` is not among them.
 */
export function schemaText(columns: readonly Column[]): string {
  const own = queryColumns(columns).filter(({ column }) => !isFixedColumn(column))
  const entries = own.map(({ column, queryName }) => {
    const entry = [column.name, tdType(column.type)]
    return queryName === column.name ? entry : [...entry, queryName]
  })
  return spacedJson(entries)
}

/** A column as a client wants it. Its alias is not looked at: the name in queries follows from the name. */
export interface WantedColumn {
  readonly name: string
  readonly type: LogicalType
}

/** Every table has these by itself, or Treasure Data has. */
const reservedNames: ReadonlySet<string> = new Set([...reservedColumnNames, 'v'])

/**
 * Reads a schema: a list of `[name, type]` or `[name, type, alias]`, as JSON or as text that is JSON. Fails with
 * `invalid_request` or `invalid_name`; a name that comes twice is a failure, unless duplicates are ignored.
 */
export function readSchema(value: unknown, options: { ignoreDuplicates?: boolean } = {}): WantedColumn[] {
  const entries = typeof value === 'string' ? parsed(value) : value
  if (!Array.isArray(entries)) throw noSchema()
  const columns = new Map<string, WantedColumn>()
  for (const entry of entries as unknown[]) {
    const column = readColumn(entry)
    if (reservedNames.has(column.name)) {
      throw new AppError('invalid_name', `The column ${JSON.stringify(column.name)} cannot be in a schema.`, {
        hint: `${[...reservedNames].join(', ')} are reserved: leave them out.`,
      })
    }
    if (!columns.has(column.name)) columns.set(column.name, column)
    else if (options.ignoreDuplicates !== true) {
      throw new AppError('invalid_name', `The column ${JSON.stringify(column.name)} is in the schema twice.`, {
        hint: 'Leave one of them out.',
      })
    }
  }
  return [...columns.values()]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw noSchema()
  }
}

function readColumn(entry: unknown): WantedColumn {
  if (!Array.isArray(entry) || entry.length < 2 || entry.length > 3) throw noSchema()
  const [name, type] = entry as unknown[]
  if (typeof name !== 'string' || typeof type !== 'string') throw noSchema()
  return { name, type: typeOfTd(type) }
}

function noSchema(): AppError {
  return new AppError('invalid_request', 'The parameter `schema` is no list of columns.', {
    hint: 'Write it as [["path", "string"], ["code", "long"]].',
  })
}
