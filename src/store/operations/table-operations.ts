import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { must } from '../../base/errors.ts'
import { requireTables, tableOf } from '../catalog.ts'
import type { Table, TableName, TableOperations } from '../store.ts'
import { alterColumns } from '../schema/alter-columns.ts'
import { expireChunks } from './expire-chunks.ts'
import { renameTable, swapTables } from './rename-tables.ts'
import type { Removal } from './rename-tables.ts'
import { purgeHistory, setProperties } from './settings.ts'
import { diffSnapshots, listSnapshots } from './snapshots.ts'
import { undropTable } from './undrop-table.ts'

/** The operations on tables as a whole, over PostgreSQL. */
export function tableOperations(
  postgres: Postgres,
  clock: Clock,
  log: Logger,
  removal: () => Removal,
): TableOperations {
  const now = () => new Date(clock.nowMs())
  const tableNow = async (accountId: number, name: TableName): Promise<Table> => {
    const [row] = await requireTables(postgres, accountId, [name])
    return tableOf(must(row, 'a required table is there'))
  }
  return {
    async renameTable(accountId, table, to, once) {
      await renameTable(postgres, accountId, { from: table, to, once })
      log.info({ accountId, table, to }, 'renamed a table')
      return await tableNow(accountId, to)
    },
    async replaceTable(accountId, table, to, once) {
      await renameTable(postgres, accountId, { from: table, to, once, replacing: removal() })
      log.info({ accountId, table, to }, 'replaced a table by another one')
      return await tableNow(accountId, to)
    },
    async swapTables(accountId, table, other, once) {
      await swapTables(postgres, accountId, table, other, once)
      log.info({ accountId, table, other }, 'swapped two tables')
    },
    async undropTable(accountId, table, once) {
      await undropTable(postgres, now(), accountId, table, once)
      log.info({ accountId, table }, 'brought a dropped table back')
      return await tableNow(accountId, table)
    },
    async alterColumns(accountId, table, changes, once) {
      await alterColumns(postgres, { accountId, name: table, changes, once })
      log.info({ accountId, table, changes: changes.map(({ kind }) => kind) }, 'changed the columns of a table')
      return await tableNow(accountId, table)
    },
    async setProperties(accountId, table, settings, once) {
      await setProperties(postgres, accountId, table, settings, once)
      return await tableNow(accountId, table)
    },
    async purgeHistory(accountId, table, once) {
      const chunks = await purgeHistory(postgres, now(), accountId, table, once)
      log.info({ accountId, table, chunks }, 'ended the history of a table')
      return chunks
    },
    listSnapshots: (accountId, table, page) => listSnapshots(postgres, now(), accountId, table, page),
    diffSnapshots: (accountId, table, from, to) => diffSnapshots(postgres, now(), accountId, table, [from, to]),
    expireChunks: () => expireChunks(postgres, clock),
  }
}
