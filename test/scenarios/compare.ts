import { decodeMulti } from '@msgpack/msgpack'

import type { Answer } from './scenario.ts'
import type { Received } from './send.ts'

/** What stories remember: keys, and what they captured. */
export type Variables = Map<string, unknown>

const matchers: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: (value) => value !== undefined,
  string: (value) => typeof value === 'string' && value !== '',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/.test(value),
}

/** Puts variables in the place of `${name}`; where nothing else is in the text, with the type that they have. */
export function filledIn(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') {
    const whole = /^\$\{(\w+)\}$/.exec(value)?.[1]
    if (whole !== undefined) return valueOf(whole, variables)
    return value.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => String(valueOf(name, variables)))
  }
  if (Array.isArray(value)) return value.map((item) => filledIn(item, variables))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filledIn(item, variables)]))
}

function valueOf(name: string, variables: Variables): unknown {
  if (!variables.has(name)) throw new Error(`nothing in the story is called \${${name}}`)
  return variables.get(name)
}

/** How what was received differs from what was expected, a line for each difference. What the story captures is noted. */
export function differences(expected: Answer, received: Received, captured: Variables): string[] {
  const found: string[] = []
  if (received.status !== expected.status)
    found.push(`status: ${expected.status} expected, ${received.status} received`)
  for (const [name, value] of Object.entries(expected.headers)) {
    const actual = received.headers[name.toLowerCase()]
    if (value === null) {
      if (actual !== undefined) found.push(`header ${name}: none expected, ${String(actual)} received`)
    } else compare(value, actual, `header ${name}`, captured, found)
  }
  compareBody(expected, received.body, captured, found)
  return found.length === 0 ? found : [...found, `the body was: ${received.body.toString('utf8').slice(0, 2000)}`]
}

function compareBody(expected: Answer, body: Buffer, captured: Variables, found: string[]): void {
  if (expected.body_text !== undefined) compare(expected.body_text, body.toString('utf8'), 'body', captured, found)
  if (expected.body_base64 !== undefined)
    compare(expected.body_base64, body.toString('base64'), 'body', captured, found)
  if (expected.body !== undefined) compare(expected.body, jsonOf(body), 'body', captured, found)
  if (expected.body_msgpack !== undefined) compare(expected.body_msgpack, msgpackOf(body), 'body', captured, found)
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return 'a body that is no JSON'
  }
}

function msgpackOf(body: Buffer): unknown {
  try {
    return [...decodeMulti(body)]
  } catch {
    return 'a body that is no MessagePack'
  }
}

function compare(expected: unknown, actual: unknown, at: string, captured: Variables, found: string[]): void {
  if (typeof expected === 'string' && expected.startsWith('$')) {
    if (!matches(expected, actual, captured)) found.push(`${at}: ${expected} expected, ${shown(actual)} received`)
  } else if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) {
      found.push(`${at}: ${expected.length} items expected, ${shown(actual)} received`)
    } else expected.forEach((item, index) => compare(item, actual[index], `${at}[${index}]`, captured, found))
  } else if (typeof expected === 'object' && expected !== null) {
    compareObject(expected as Record<string, unknown>, actual, at, captured, found)
  } else if (expected !== actual) found.push(`${at}: ${shown(expected)} expected, ${shown(actual)} received`)
}

/** All keys, and no others, unless the last of them is `$more`. */
function compareObject(
  expected: Readonly<Record<string, unknown>>,
  actual: unknown,
  at: string,
  captured: Variables,
  found: string[],
): void {
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) {
    found.push(`${at}: an object expected, ${shown(actual)} received`)
    return
  }
  const { $more: more, ...keys } = expected
  for (const [name, value] of Object.entries(keys))
    compare(value, (actual as Record<string, unknown>)[name], `${at}.${name}`, captured, found)
  if (more === undefined)
    for (const name of Object.keys(actual)) if (!(name in keys)) found.push(`${at}.${name}: nothing expected`)
}

/** `$number`, `$contains some words`, and either of them with ` as name`, which captures the value. */
function matches(expected: string, actual: unknown, captured: Variables): boolean {
  const [, kind = '', words, name] = /^\$(\w+)(?: (?!as )(.*?))?(?: as (\w+))?$/s.exec(expected) ?? []
  const isMatch =
    kind === 'contains' ? typeof actual === 'string' && actual.includes(words ?? '') : matcher(kind, expected)(actual)
  if (isMatch && name !== undefined) captured.set(name, actual)
  return isMatch
}

function matcher(kind: string, expected: string): (value: unknown) => boolean {
  const found = matchers[kind]
  if (found === undefined) throw new Error(`“${expected}” is no matcher`)
  return found
}

const shown = (value: unknown): string => JSON.stringify(value) ?? 'nothing'
