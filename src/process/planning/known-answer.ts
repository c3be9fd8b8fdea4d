import { quotedText } from '../../store/types.ts'
import type { Plan } from '../engines/duckdb/tasks.ts'
import type { QueryContext } from '../query-context.ts'
import type { OpenedTable } from './resolve-tables.ts'
import type { SelectText } from './statement.ts'

/** The answer of a plan that asks for nothing but what the catalog knows, as a SELECT of constants; undefined for others. */
export async function knownAnswer(
  { ports: { store } }: QueryContext,
  [table]: readonly OpenedTable[],
  { columns, scans: [scan], shortcut }: Plan,
): Promise<SelectText | undefined> {
  if (shortcut?.kind !== 'summary' || scan === undefined || table === undefined) return undefined
  // What two snapshots differ by is not counted anywhere.
  if (table.without !== undefined) return undefined
  const [range, ...more] = scan.ranges
  if (range === undefined || more.length > 0) return undefined
  const values = await store.summarize(table.snapshot, range, shortcut.items)
  if (values?.length !== columns.length) return undefined
  const items = columns.map(({ engineType }, index) => {
    const text = values[index]
    return `cast(${typeof text === 'string' ? quotedText(text) : 'null'} as ${engineType})`
  })
  return { text: `select ${items.join(', ')}`, offset: 0, standIns: [] }
}
