import { describeTable, showDatabases, showTables } from './catalog-answers.ts'
import { explainSelect } from './explain-select.ts'
import { planSelect } from './plan-select.ts'
import type { Statement } from './planning/statement.ts'
import type { QueryOutput } from './process.ts'
import type { QueryContext } from './query-context.ts'
import { storeResult } from './store-result.ts'
import { createTableAs, insertInto } from './writes/add-rows.ts'
import { changeTable } from './writes/alter-tables.ts'
import { deleteFrom } from './writes/delete-rows.ts'
import { mergeInto } from './writes/merge-rows.ts'
import { insertOverwrite, removeAllRows } from './writes/replace-all.ts'

/** Does one statement, whatever it is. */
export async function performStatement(context: QueryContext, statement: Statement): Promise<QueryOutput> {
  switch (statement.kind) {
    case 'select':
      return await storeResult(context, await planSelect(context, statement.select), 'select')
    case 'explain':
      return await explainSelect(context, statement.select)
    case 'describe':
      return await describeTable(context, statement)
    case 'show_databases':
      return await showDatabases(context, statement)
    case 'show_tables':
      return await showTables(context, statement)
    case 'insert':
      return await (statement.overwrite ? insertOverwrite : insertInto)(context, statement)
    case 'merge':
      return await mergeInto(context, statement)
    case 'delete':
      return await deleteFrom(context, statement)
    case 'truncate':
      return await removeAllRows(context, statement.table, 'truncate')
    case 'create_table_as':
      return await createTableAs(context, statement)
    default:
      return await changeTable(context, statement)
  }
}
