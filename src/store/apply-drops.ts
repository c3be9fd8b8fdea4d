import type { Queryable } from '../base/postgres/postgres.ts'
import { holdDatabase } from './catalog.sql.ts'
import { lockTablesOfIds } from './lock-names.sql.ts'
import { markTablesDropped } from './removal.sql.ts'
import { requireLease } from './require-lease.ts'
import type { Commit, TableDrop } from './store.ts'

export interface DropsOfCommit {
  readonly tables: readonly TableDrop[]
  readonly now: Date
  /** Until then their files stay for queries that read them. */
  readonly removeAfter: Date
}

/**
 * Drops the tables that go together with commits, before these make others of their names. Everything that the commits touch is
 * locked on the way, in the order that everybody keeps: databases, tables, job. Answers the place of a drop whose name means
 * another table by now.
 */
export async function applyDrops(
  tx: Queryable,
  commits: readonly Commit[],
  { tables, now, removeAfter }: DropsOfCommit,
): Promise<number | undefined> {
  if (tables.length === 0) return undefined
  const databases = new Map<string, number | undefined>()
  for (const { accountId, name } of tables.toSorted((a, b) => (a.name.database < b.name.database ? -1 : 1))) {
    databases.set(name.database, (await holdDatabase(tx, accountId, { name: name.database }))?.id)
  }
  for (const { accountId, databaseId } of databasesOf(commits)) await holdDatabase(tx, accountId, { id: databaseId })
  const changed = commits.flatMap(({ target }) => ('create' in target ? [] : [target.tableId]))
  const locked = await lockTablesOfIds(tx, [...changed, ...tables.map(({ tableId }) => tableId)])
  for (const [index, { tableId, name, fence }] of tables.entries()) {
    const found = locked.find(({ id }) => id === tableId)
    if (found?.name !== name.name || found.database_id !== databases.get(name.database)) return index
    await requireLease(tx, fence)
  }
  const ids = tables.map(({ tableId }) => tableId)
  await markTablesDropped(tx, ids, now, removeAfter)
  return undefined
}

function databasesOf(commits: readonly Commit[]): { accountId: number; databaseId: number }[] {
  return commits
    .flatMap(({ accountId, target }) =>
      'create' in target ? [{ accountId, databaseId: target.create.databaseId }] : [],
    )
    .toSorted((a, b) => a.databaseId - b.databaseId)
}
