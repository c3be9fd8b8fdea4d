import { AppError } from '../base/errors.ts'

/**
 * The logical types of columns. Each has one canonical physical type in Parquet (docs/types.md), so that a field id keeps
 * its meaning for every engine; another type is another field id.
 */
export type LogicalType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'bigint' }
  | { readonly kind: 'double' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'varchar' }
  | { readonly kind: 'varbinary' }
  | { readonly kind: 'date' }
  /** Microseconds, without a zone. */
  | { readonly kind: 'timestamp' }
  /** JSON text. */
  | { readonly kind: 'json' }
  | { readonly kind: 'array'; readonly element: LogicalType }
  | { readonly kind: 'map'; readonly key: LogicalType; readonly value: LogicalType }
  | { readonly kind: 'row'; readonly fields: readonly { readonly name: string; readonly type: LogicalType }[] }

export type ScalarKind = Exclude<LogicalType['kind'], 'array' | 'map' | 'row'>
export type ScalarType = Extract<LogicalType, { kind: ScalarKind }>

export function isScalar(type: LogicalType): type is ScalarType {
  return type.kind !== 'array' && type.kind !== 'map' && type.kind !== 'row'
}

/** What a scalar is in Parquet: the physical type and its annotation, in the words of the Parquet specification. */
export interface ParquetFacts {
  readonly physical: 'BOOLEAN' | 'INT32' | 'INT64' | 'DOUBLE' | 'BYTE_ARRAY' | 'FIXED_LEN_BYTE_ARRAY'
  readonly annotation: 'none' | 'string' | 'decimal' | 'date' | 'timestamp_micros'
}

/**
 * The canonical Parquet form of a scalar. JSON is plain text there: readers other than DuckDB know no JSON, and Iceberg
 * has no such type.
 */
export function parquetFacts(type: LogicalType & { kind: ScalarKind }): ParquetFacts {
  switch (type.kind) {
    case 'boolean':
      return { physical: 'BOOLEAN', annotation: 'none' }
    case 'bigint':
      return { physical: 'INT64', annotation: 'none' }
    case 'double':
      return { physical: 'DOUBLE', annotation: 'none' }
    case 'decimal':
      return { physical: decimalPhysical(type.precision), annotation: 'decimal' }
    case 'varchar':
    case 'json':
      return { physical: 'BYTE_ARRAY', annotation: 'string' }
    case 'varbinary':
      return { physical: 'BYTE_ARRAY', annotation: 'none' }
    case 'date':
      return { physical: 'INT32', annotation: 'date' }
    case 'timestamp':
      return { physical: 'INT64', annotation: 'timestamp_micros' }
  }
}

function decimalPhysical(precision: number): ParquetFacts['physical'] {
  if (precision <= 9) return 'INT32'
  return precision <= 18 ? 'INT64' : 'FIXED_LEN_BYTE_ARRAY'
}

const duckdbScalars = {
  boolean: 'BOOLEAN',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  varchar: 'VARCHAR',
  varbinary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  json: 'JSON',
} as const satisfies Record<Exclude<ScalarKind, 'decimal'>, string>

/** The type in DuckDB's SQL, as queries see it: `DECIMAL(10,2)`, `BIGINT[]`, `STRUCT("a" BIGINT)`. */
export function duckdbType(type: LogicalType): string {
  switch (type.kind) {
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`
    case 'array':
      return `${duckdbType(type.element)}[]`
    case 'map':
      return `MAP(${duckdbType(type.key)}, ${duckdbType(type.value)})`
    case 'row':
      return `STRUCT(${type.fields.map((field) => `${quotedName(field.name)} ${duckdbType(field.type)}`).join(', ')})`
    default:
      return duckdbScalars[type.kind]
  }
}

/** The type that a column is cast to before DuckDB writes it to a file: as `duckdbType`, but JSON as its text. */
export function duckdbFileType(type: LogicalType): string {
  return duckdbType(withoutJson(type))
}

/** The type with text in the place of JSON, as files have it. */
export function withoutJson(type: LogicalType): LogicalType {
  switch (type.kind) {
    case 'json':
      return { kind: 'varchar' }
    case 'array':
      return { kind: 'array', element: withoutJson(type.element) }
    case 'map':
      return { kind: 'map', key: withoutJson(type.key), value: withoutJson(type.value) }
    case 'row':
      return { kind: 'row', fields: type.fields.map(({ name, type: of }) => ({ name, type: withoutJson(of) })) }
    default:
      return type
  }
}

/** A name in double quotes, as SQL and the notation of types take it, whatever characters are in it. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text in single quotes, as SQL takes it. */
export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Deeper types than any data has; the limit keeps a hostile notation from overflowing the stack. */
const depthMax = 64

/**
 * Arrays and maps inside of each other. DuckDB takes twice as long to read a column for each further level: 29 ms for a single
 * row of 16, 380 ms of 20, and 6 s of 24.
 */
const repeatsMax = 16

/** Why nobody can have a column of this type, as the end of a sentence; undefined where people can. */
export function nestingProblem(type: LogicalType): string | undefined {
  const { levels, repeats } = nestingOf(type)
  if (levels > depthMax) return `nests deeper than ${depthMax} levels`
  if (repeats > repeatsMax) return `has more than ${repeatsMax} arrays and maps inside of each other`
  return undefined
}

/** How many types lie inside of each other, the type itself among them, and how many of these are arrays or maps. */
function nestingOf(type: LogicalType): { levels: number; repeats: number } {
  const inner = innerTypes(type).map((child) => nestingOf(child.type))
  const own = type.kind === 'array' || type.kind === 'map' ? 1 : 0
  return {
    levels: 1 + Math.max(0, ...inner.map(({ levels }) => levels)),
    repeats: own + Math.max(0, ...inner.map(({ repeats }) => repeats)),
  }
}

/** The types directly inside of a type, under the names that Parquet and DuckDB's FIELD_IDS know. */
export function innerTypes(type: LogicalType): readonly { readonly name: string; readonly type: LogicalType }[] {
  switch (type.kind) {
    case 'array':
      return [{ name: 'element', type: type.element }]
    case 'map':
      return [
        { name: 'key', type: type.key },
        { name: 'value', type: type.value },
      ]
    case 'row':
      return type.fields
    default:
      return []
  }
}

/**
 * The notation of a type, in which the catalog, the API and the CLI write it: `bigint`, `decimal(10,2)`,
 * `array(bigint)`, `map(varchar,bigint)`, `row(a bigint,"b c" varchar)`. `parseType` reads it back to the same type.
 */
export function formatType(type: LogicalType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'array':
      return `array(${formatType(type.element)})`
    case 'map':
      return `map(${formatType(type.key)},${formatType(type.value)})`
    case 'row':
      return `row(${type.fields.map((field) => `${fieldName(field.name)} ${formatType(field.type)}`).join(',')})`
    default:
      return type.kind
  }
}

function fieldName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quotedName(name)
}

/** Reads the notation of `formatType`, with blanks and upper case as people write it. Fails with `invalid_request`. */
export function parseType(notation: string): LogicalType {
  const parser = new TypeParser(notation)
  const type = parser.type(1)
  parser.end()
  const problem = nestingProblem(type)
  if (problem !== undefined) parser.fail(problem)
  return type
}

/** Other words for the same types, as they are common in SQL. */
const scalarNames: Readonly<Record<string, Exclude<ScalarKind, 'decimal'>>> = {
  boolean: 'boolean',
  bigint: 'bigint',
  double: 'double',
  varchar: 'varchar',
  varbinary: 'varbinary',
  date: 'date',
  timestamp: 'timestamp',
  json: 'json',
  long: 'bigint',
  string: 'varchar',
}

class TypeParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  type(depth: number): LogicalType {
    if (depth > depthMax) this.fail(`nests deeper than ${depthMax} levels`)
    const word = this.#take(/[a-zA-Z_]\w*/y)?.toLowerCase() ?? this.fail('lacks a type')
    switch (word) {
      case 'decimal':
        return this.#decimal()
      case 'array':
        return this.#inParentheses(() => ({ kind: 'array', element: this.type(depth + 1) }))
      case 'map':
        return this.#inParentheses(() => {
          const key = this.type(depth + 1)
          this.#expect(',')
          return { kind: 'map', key, value: this.type(depth + 1) }
        })
      case 'row':
        return this.#inParentheses(() => ({ kind: 'row', fields: this.#fields(depth) }))
      default: {
        const kind = Object.hasOwn(scalarNames, word) ? scalarNames[word] : undefined
        return kind === undefined ? this.fail(`names the unknown type "${word}"`) : { kind }
      }
    }
  }

  end(): void {
    this.#skipBlanks()
    if (this.#at < this.#text.length) this.fail('goes on where it should end')
  }

  #decimal(): LogicalType {
    return this.#inParentheses(() => {
      const precision = this.#integer()
      const scale = this.#take(/,/y) === undefined ? 0 : this.#integer()
      if (precision < 1 || precision > 38) this.fail('has a precision outside of 1 to 38')
      if (scale > precision) this.fail('has a scale above its precision')
      return { kind: 'decimal', precision, scale }
    })
  }

  #fields(depth: number): { name: string; type: LogicalType }[] {
    const fields: { name: string; type: LogicalType }[] = []
    const seen = new Set<string>()
    do {
      const name = this.#fieldName()
      // DuckDB compares names of fields without regard to case.
      if (seen.has(name.toLowerCase())) this.fail(`names the field ${quotedName(name)} twice`)
      seen.add(name.toLowerCase())
      fields.push({ name, type: this.type(depth + 1) })
    } while (this.#take(/,/y) !== undefined)
    return fields
  }

  #fieldName(): string {
    const quoted = this.#take(/"(?:[^"]|"")+"/y)
    if (quoted !== undefined) return quoted.slice(1, -1).replaceAll('""', '"')
    return this.#take(/[a-zA-Z_]\w*/y) ?? this.fail('lacks the name of a field')
  }

  #inParentheses<T>(inner: () => T): T {
    this.#expect('(')
    const value = inner()
    this.#expect(')')
    return value
  }

  #integer(): number {
    return Number(this.#take(/\d{1,3}/y) ?? this.fail('lacks a number'))
  }

  #expect(mark: '(' | ')' | ','): void {
    this.#skipBlanks()
    if (this.#text[this.#at] !== mark) this.fail(`lacks a "${mark}"`)
    this.#at += 1
  }

  #take(pattern: RegExp): string | undefined {
    this.#skipBlanks()
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #skipBlanks(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at += 1
  }

  fail(problem: string): never {
    throw new AppError('invalid_request', `The type ${JSON.stringify(this.#text.slice(0, 200))} ${problem}.`, {
      hint: 'Types are written like bigint, decimal(10,2), array(varchar), map(varchar,bigint) or row(a bigint,"b c" json).',
      position: { offset: this.#at },
    })
  }
}
