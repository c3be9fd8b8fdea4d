import type { Queryable } from '../base/postgres/postgres.ts'
import { selectFieldVersions } from './conditions.sql.ts'
import type { Table } from './store.ts'

type FieldVersion = Awaited<ReturnType<typeof selectFieldVersions>>[number]

const tablesMax = 1000

/**
 * The versions of fields as they are at a version of a table's columns. What was done until then never changes, so that it is asked for
 * once; whoever asks later has the same columns, or another version. The one that nobody asked for longest is forgotten first.
 */
export class FieldVersions {
  readonly #db: Queryable
  /** Null of a field that has none. */
  readonly #known = new Map<string, Map<number, FieldVersion | null>>()

  /** `db` sees what is committed, and nothing else: what is undone after all must not be remembered. */
  constructor(db: Queryable) {
    this.#db = db
  }

  async of(table: Table, fieldIds: readonly number[]): Promise<ReadonlyMap<number, FieldVersion | null>> {
    const { accountId, id: tableId, schemaVersion: version } = table
    const key = `${accountId}/${tableId}/${version}`
    const known = this.#known.get(key) ?? new Map<number, FieldVersion | null>()
    const wanted = fieldIds.filter((fieldId) => !known.has(fieldId))
    if (wanted.length > 0) {
      const found = await selectFieldVersions(this.#db, { accountId, tableId, version }, wanted)
      for (const fieldId of wanted) known.set(fieldId, found.find((row) => row.field_id === fieldId) ?? null)
    }
    this.#known.delete(key)
    this.#known.set(key, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > tablesMax && oldest !== undefined) this.#known.delete(oldest)
    return known
  }
}
