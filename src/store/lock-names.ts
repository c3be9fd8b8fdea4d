import type { Queryable } from '../base/postgres/postgres.ts'
import { selectIdsOfNames, lockTablesOfIds } from './lock-names.sql.ts'

export interface TablePlace {
  readonly databaseId: number
  readonly name: string
}

/** Names that change hands over and over while somebody waits for them are not worth waiting for. */
const roundsMax = 20

/**
 * The ids of the tables in these places, which nobody else changes until the transaction ends; undefined where there is none.
 * While it waited for a table, that table may have got another name, and another one its own: then it looks again.
 */
export async function lockPlaces(
  tx: Queryable,
  accountId: number,
  places: readonly TablePlace[],
): Promise<(number | undefined)[]> {
  for (let round = 1; ; round += 1) {
    const found = await selectIdsOfNames(tx, accountId, places)
    const wanted = places.map((place) => found.find((table) => isAt(table, place))?.id)
    const ids = wanted.filter((id) => id !== undefined)
    const locked = await lockTablesOfIds(tx, ids)
    const areThere = places.every((place, index) => {
      const id = wanted[index]
      return id === undefined || locked.some((table) => table.id === id && isAt(table, place))
    })
    if (areThere || round === roundsMax) return areThere ? wanted : wanted.map(() => undefined)
  }
}

function isAt(table: { database_id: number; name: string }, { databaseId, name }: TablePlace): boolean {
  return table.database_id === databaseId && table.name === name
}
