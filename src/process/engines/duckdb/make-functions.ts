import type { Session } from '../../../base/duckdb/session.ts'
import { quotedName } from '../../../store/types.ts'
import { macros } from '../../functions/library.ts'
import { bindPresent } from '../../functions/present-moment.ts'
import { computedNames, registerComputed } from './computed-functions.ts'
import type { EngineSql, QueryMoment } from './tasks.ts'

/**
 * Makes the functions that the SQL names, and those that these need: a macro takes half a millisecond to make, and there are
 * hundreds of them. They are temporary, so that they are found whatever database the query looks names up in.
 */
export async function makeFunctions(session: Session, { sql, ...moment }: EngineSql & QueryMoment): Promise<void> {
  await bindPresent(session, moment)
  if (moment.integerDivision === true) await session.run('set integer_division = true')
  const library = new Map(macros)
  library.set('_scheduled_seconds', `() as ${Math.floor(moment.scheduledSeconds)}::bigint`)
  for (const name of computedNames) library.set(name, '')
  const statements: string[] = []
  for (const name of neededBy(sql, library)) {
    const macro = library.get(name)
    if (macro === '') registerComputed(session, name)
    else statements.push(`create temp macro ${quotedName(name)} ${macro};`)
  }
  if (statements.length > 0) await session.run(statements.join('\n'))
}

/** The names of the library that a text has in it, each behind those that its own body has. */
function neededBy(text: string, library: ReadonlyMap<string, string>, needed = new Set<string>()): ReadonlySet<string> {
  for (const word of new Set(text.toLowerCase().match(/[a-z_]\w*|<!?~>/g))) {
    const macro = library.get(word)
    if (macro === undefined || needed.has(word)) continue
    // A body can have its own name in it, in a text or as a function of DuckDB.
    const others = new Map(library)
    others.delete(word)
    neededBy(macro, others, needed)
    needed.add(word)
  }
  return needed
}
