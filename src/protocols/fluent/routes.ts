import { AppError } from '../../base/errors.ts'

/** Where the events of a tag go. */
export interface Target {
  readonly database: string
  readonly table: string
}

export type RouteOf = (tag: string) => Target

/** Tags that match the pattern go to the table; `${tag[1]}` in its name stands for a part of the tag. */
export interface Route {
  readonly pattern: string
  readonly table: string
}

/** The database of tags that name none. */
const databaseDefault = 'fluent'

/**
 * The first route whose pattern matches says where a tag goes. Without one, its first part is the database and its second the
 * table, as in `database.table.rest`; `td.database.table` is what users of Treasure Data write. Fails with `invalid_name` for a
 * tag that names no table.
 */
export function routesOf(routes: readonly Route[]): RouteOf {
  const compiled = routes.map(({ pattern, table }) => ({ matches: matcherOf(pattern), names: table.split('.') }))
  return (tag) => {
    const parts = tag.split('.')
    const route = compiled.find(({ matches }) => matches(parts))
    if (route === undefined) return defaultTarget(tag, parts)
    const [database, table] = route.names.map((name) => nameOf(tag, filled(name, parts)))
    return { database: database as string, table: table as string }
  }
}

function defaultTarget(tag: string, parts: readonly string[]): Target {
  const [first = '', second, third] = parts
  if (second === undefined) return { database: databaseDefault, table: nameOf(tag, first) }
  if (first === 'td' && third !== undefined) return { database: nameOf(tag, second), table: nameOf(tag, third) }
  return { database: nameOf(tag, first), table: nameOf(tag, second) }
}

/** The patterns of Fluentd’s `<match>`: `*` stands for what is in one part of a tag, and `**` for any number of parts. */
function matcherOf(pattern: string): (parts: readonly string[]) => boolean {
  const matchers = pattern.split('.').map((part) => (part === '**' ? 'any' : partMatcher(part)))
  return (parts) => matchFrom(matchers, parts, 0, 0)
}

type PartMatcher = 'any' | RegExp

function partMatcher(part: string): RegExp {
  const words = part.split('*').map((word) => word.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${words.join('.*')}$`)
}

function matchFrom(matchers: readonly PartMatcher[], parts: readonly string[], at: number, part: number): boolean {
  const matcher = matchers[at]
  if (matcher === undefined) return part === parts.length
  if (matcher === 'any') {
    for (let next = part; next <= parts.length; next += 1) if (matchFrom(matchers, parts, at + 1, next)) return true
    return false
  }
  return part < parts.length && matcher.test(parts[part] as string) && matchFrom(matchers, parts, at + 1, part + 1)
}

function filled(name: string, parts: readonly string[]): string {
  return name.replaceAll(/\$\{tag\[(-?\d+)\]\}/g, (_, index: string) => parts.at(Number(index)) ?? '')
}

/** The part of a tag as a name: in lower case, and `_` for what names may not have. */
function nameOf(tag: string, part: string): string {
  const name = part
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .replace(/^(?=[0-9])/, '_')
    .slice(0, 128)
  if (/[a-z0-9]/.test(name)) return name
  throw new AppError('invalid_name', `The tag ${JSON.stringify(tag.slice(0, 100))} names no table.`, {
    hint: 'Send tags like database.table, or add a route for it.',
  })
}
