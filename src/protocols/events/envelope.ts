import { AppError } from '../../base/errors.ts'
import { elementsOf, isArrayAt, isObjectAt, membersOf, valueOf } from '../../base/json-text.ts'
import type { Span } from '../../base/json-text.ts'

/** Events for one table, by their places in the text. */
export interface Batch {
  readonly database: string
  readonly table: string
  readonly events: readonly Span[]
}

/** `{"events": […]}` of the SDKs, or `{"records": […]}`. */
export function listedEvents(text: string): Span[] {
  const root = valueOf(text)
  const lists = isObjectAt(text, root) ? membersOf(text, root).filter(({ name }) => listNames.has(name)) : []
  const [list] = lists
  if (list !== undefined && lists.length === 1 && isArrayAt(text, list)) return elementsOf(text, list)
  throw wrongShape('{"events": [{…}]}')
}

const listNames: ReadonlySet<string> = new Set(['events', 'records'])

/** One event, or an array of them. */
export function bareEvents(text: string): Span[] {
  const root = valueOf(text)
  return isArrayAt(text, root) ? elementsOf(text, root) : [root]
}

/** `{"database.table": [{…}], …}`: several tables in one body. Names are checked where the events are kept. */
export function batchesByTable(text: string): Batch[] {
  const root = valueOf(text)
  if (!isObjectAt(text, root)) throw wrongShape('{"database.table": [{…}]}')
  return membersOf(text, root).map((member) => {
    if (!isArrayAt(text, member)) throw wrongShape('{"database.table": [{…}]}')
    const [database = '', ...table] = member.name.split('.')
    return { database, table: table.join('.'), events: elementsOf(text, member) }
  })
}

function wrongShape(shape: string): AppError {
  return new AppError('body_malformed', `The body has not the shape ${shape}.`, {
    hint: 'docs/events.md shows what is sent where.',
  })
}
