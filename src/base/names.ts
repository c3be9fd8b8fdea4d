import { AppError } from './errors.ts'

/** What a name is given to. */
export type Named = 'database' | 'table'

const rule = 'Names have 1 to 128 characters: lower-case letters, digits and underscores, a letter or underscore first.'
const pattern = /^[a-z_][a-z0-9_]{0,127}$/

/** Fails with `invalid_name` unless `name` may be a database's or table's. Returns it. */
export function requireName(what: Named, name: string): string {
  if (pattern.test(name)) return name
  const suggestion = suggestName(name)
  throw new AppError('invalid_name', `${shown(name)} cannot be the name of a ${what}. ${rule}`, {
    hint: suggestion === undefined ? 'Choose another name.' : `Use "${suggestion}".`,
  })
}

/** The nearest name that is allowed. */
function suggestName(name: string): string | undefined {
  const candidate = name
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_')
    .replace(/^(?=[0-9])/, '_')
    .slice(0, 128)
  return pattern.test(candidate) && /[a-z0-9]/.test(candidate) ? candidate : undefined
}

/** As SQL folds names: the case of ASCII letters only. Names that are folded to the same are one to SQL. */
export function foldedName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** UTF-8 bytes of a column's name. */
export const columnNameBytesMax = 255

/** The names of the fixed columns: every table has them, and nobody else may. */
export const reservedColumnNames: ReadonlySet<string> = new Set(['time', 'time_us', '_rescued'])

/** Why `name` cannot be a column's, as the end of a sentence; undefined where it can. */
export function columnNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (Buffer.byteLength(name) > columnNameBytesMax) return `is longer than ${columnNameBytesMax} bytes in UTF-8`
  // Lone surrogates have no UTF-8 form: two such names would be one in the files.
  if (/[\p{Cc}\p{Surrogate}]/u.test(name)) return 'has a control character or half of a character in it'
  if (reservedColumnNames.has(name.toLowerCase())) return 'is reserved: every table has this column by itself'
  return undefined
}

/** Fails with `invalid_name` unless `name` may be that of a column somebody makes. Returns it. */
export function requireColumnName(name: string): string {
  const problem = columnNameProblem(name)
  if (problem === undefined) return name
  throw new AppError('invalid_name', `The column name ${shown(name)} ${problem}.`, {
    hint: `Names of columns have 1 to ${columnNameBytesMax} bytes without control characters; time, time_us and _rescued are reserved.`,
  })
}

function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}
