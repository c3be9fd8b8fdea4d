import { usage } from '../failure.ts'
import { sqlSpans } from './sql-spans.ts'
import type { SqlSpan } from './sql-spans.ts'

const reference = /\$\{([A-Za-z_]\w*)\}/g

/**
 * Reads `--param` options into SQL literals: `name=text` is a text, whatever is in it; `name:=value` a number, true,
 * false or null.
 */
export function readParameters(options: readonly string[]): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const option of options) {
    const match = /^([A-Za-z_]\w*)(:?=)([^]*)$/.exec(option)
    if (match === null) throw usage(`--param “${option}” is not name=text or name:=value.`)
    const [, name = '', sign, value = ''] = match
    if (parameters.has(name)) throw usage(`--param ${name} is given twice.`)
    parameters.set(name, sign === '=' ? textLiteral(value) : plainLiteral(name, value))
  }
  return parameters
}

function textLiteral(value: string): string {
  if (value.includes('\0')) throw usage('A parameter has a NUL character in it, which SQL text cannot hold.')
  return `'${value.replaceAll("'", "''")}'`
}

function plainLiteral(name: string, value: string): string {
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return value.startsWith('-') ? `(${value})` : value
  if (/^(true|false|null)$/i.test(value)) return value
  throw usage(
    `--param ${name}:=${value} is no number, true, false or null.`,
    `For a text, write --param ${name}=${value}.`,
  )
}

/** Puts the literals where `${name}` stands in the SQL. A name without a value, and a value without a place, are mistakes. */
export function fillIn(sql: string, parameters: ReadonlyMap<string, string>): string {
  if (parameters.size === 0) return sql
  const used = new Set<string>()
  const filled = sqlSpans(sql).map((span) => {
    const text = sql.slice(span.start, span.end)
    if (span.kind !== 'code') return untouched(span, text, parameters)
    return text.replace(reference, (_, name: string) => {
      const value = parameters.get(name)
      if (value === undefined) throw usage(`The SQL names \${${name}}, which has no value.`, `Add --param ${name}=…`)
      used.add(name)
      return value
    })
  })
  const unused = [...parameters.keys()].find((name) => !used.has(name))
  if (unused !== undefined)
    throw usage(
      `The SQL does not name \${${unused}}.`,
      `Write \${${unused}} where the value belongs, or leave --param ${unused} out.`,
    )
  return filled.join('')
}

/** A literal has quotes of its own. Inside other quotes it would end them, and its text become SQL. */
function untouched(span: SqlSpan, text: string, parameters: ReadonlyMap<string, string>): string {
  const named = [...text.matchAll(reference)].find((match) => parameters.has(match[1] ?? ''))
  if (span.kind === 'comment' || named === undefined) return text
  throw usage(
    `\${${named[1]}} stands inside of quotes.`,
    `Leave the quotes out: the value brings its own. Join texts with ||.`,
  )
}
