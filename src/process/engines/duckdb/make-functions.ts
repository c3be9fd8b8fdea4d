import type { Session } from '../../../base/duckdb/session.ts'
import { quotedName } from '../../../store/types.ts'
import { macros } from '../../functions/library.ts'
import { asksForMoment, presentMacros } from '../../functions/present-moment.ts'
import { computedNames, registerComputed } from './computed-functions.ts'
import type { EngineSql, QueryMoment } from './tasks.ts'

/** What SQL means with us, in settings; they hold for as long as the session does. */
export function settingsFor({ integerDivision }: Pick<QueryMoment, 'integerDivision'>): string[] {
  return ["set timezone = 'UTC';", ...(integerDivision === true ? ['set integer_division = true;'] : [])]
}

/**
 * Makes the functions that the SQL names, and those that these need: a macro takes half a millisecond to make, and there are
 * hundreds of them. They are temporary, so that they are found whatever database the query looks names up in.
 */
export async function makeFunctions(session: Session, text: EngineSql & QueryMoment): Promise<void> {
  const needed = neededFunctions(text)
  for (const name of needed.computed) registerComputed(session, name)
  await session.run([...settingsFor(text), ...needed.macros].join('\n'))
}

/** The same, as far as a transaction undoes it: the computed functions are there already, and so are the settings. */
export function macrosFor(text: EngineSql & QueryMoment): readonly string[] {
  return neededFunctions(text).macros
}

/** Whether the text, or a function of the library that it needs, asks for the moment; it may be that one only seems to. */
export function dependsOnMoment(text: EngineSql & QueryMoment): boolean {
  return asksForMoment([text.sql, ...macrosFor(text)].join('\n'))
}

/** What there is to make, by name; the computed ones have no text. Made once: most queries need nothing of it. */
const scheduledSeconds = '_scheduled_seconds'
const library: ReadonlyMap<string, string> = new Map([
  ...macros,
  [scheduledSeconds, '() as null::bigint'],
  ...computedNames.map((name) => [name, ''] as const),
])

/** Names of computed functions, and statements that make macros. */
function neededFunctions({ sql, ...moment }: EngineSql & QueryMoment): {
  readonly computed: readonly string[]
  readonly macros: readonly string[]
} {
  const textOf = (name: string): string =>
    name === scheduledSeconds ? `() as ${Math.floor(moment.scheduledSeconds)}::bigint` : (library.get(name) ?? '')
  const needed = [...neededBy(sql)].map((name) => ({ name, macro: textOf(name) }))
  const [made, computed] = [needed.filter(({ macro }) => macro !== ''), needed.filter(({ macro }) => macro === '')]
  const everything = [sql, ...made.map(({ macro }) => macro)].join('\n')
  return {
    computed: computed.map(({ name }) => name),
    macros: [
      ...presentMacros(everything, moment.nowUs),
      ...made.map(({ name, macro }) => `create temp macro ${quotedName(name)} ${macro};`),
    ],
  }
}

/**
 * The names of the library that a text has in it, each behind those that its own body has. `around` are those in whose bodies the text
 * stands: a body can have its own name in it, in a text or as a function of DuckDB.
 */
function neededBy(
  text: string,
  needed = new Set<string>(),
  around: ReadonlySet<string> = new Set(),
): ReadonlySet<string> {
  for (const word of new Set(text.toLowerCase().match(/[a-z_]\w*|<!?~>/g))) {
    const macro = library.get(word)
    if (macro === undefined || needed.has(word) || around.has(word)) continue
    neededBy(macro, needed, new Set([...around, word]))
    needed.add(word)
  }
  return needed
}
