import { StatementType } from '@duckdb/node-api'
import type { DuckDBPreparedStatement } from '@duckdb/node-api'

import { AppError } from '../../base/errors.ts'
import { duckdbType, quotedName } from '../../store/types.ts'
import { engineFailure, queryError } from '../engines/duckdb/engine-errors.ts'
import { logicalType } from '../engines/duckdb/result-types.ts'
import { makeSchemas } from '../engines/duckdb/schemas.ts'
import type { Session } from '../../base/duckdb/session.ts'
import { lockDown, quotedText, withSession } from '../../base/duckdb/session.ts'
import type { EngineTable, Plan, PlanInput, PlannedColumn, Shortcut } from '../engines/duckdb/tasks.ts'
import { makeFunctions } from '../engines/duckdb/make-functions.ts'
import { planningLimits } from './analyze.ts'
import { explainedSites } from './explained-scans.ts'
import { parsePlan } from './plan-nodes.ts'
import type { ScanSite } from './plan-scans.ts'
import { plannedScans, scanSites } from './plan-scans.ts'
import { shortcutOf } from './plan-shortcuts.ts'

/**
 * Optimisers that would spoil the plan over stub tables: the first two see that these are empty, and cut away what would be
 * read; the others make plans that DuckDB 1.5 cannot serialise, and none of them moves filters to the scans.
 */
const disabledOptimizers = [
  'statistics_propagation',
  'empty_result_pullup',
  'late_materialization',
  'build_side_probe_side',
  'column_lifetime',
  'common_subplan',
  'compressed_materialization',
  'duplicate_groups',
  'join_filter_pushdown',
  'join_order',
  'limit_pushdown',
  'materialized_cte',
  'reorder_filter',
  'row_group_pruner',
  'sampling_pushdown',
  'top_n',
  'top_n_window_elimination',
  'window_self_join',
]

/**
 * The second look at a query, as an engine task: DuckDB optimises it over empty stub tables, and the plan tells the types of
 * the answer, which columns of which tables are read, and at which times. No data is touched.
 */
export async function planQuery(input: PlanInput): Promise<Plan> {
  return await withSession(planningLimits, async (session) => {
    await makeStubs(session, input)
    await lockDown(session, [])
    const columns = await answerColumns(session, input)
    const { sites, shortcut } = await readPlan(session, input)
    return {
      columns,
      scans: plannedScans(input.tables, sites),
      shortcut,
      explained: input.explain ? await explainedLines(session, input.sql) : [],
    }
  })
}

async function makeStubs(session: Session, input: PlanInput): Promise<void> {
  await session.run(`set disabled_optimizers = '${disabledOptimizers.join(',')}'`)
  await makeFunctions(session, input)
  await makeSchemas(session, input.tables, input.database)
  for (const table of input.tables) await session.run(stubTable(table))
}

function stubTable({ database, name, columns }: EngineTable): string {
  const definitions = columns.map(({ column, queryName }) => `${quotedName(queryName)} ${duckdbType(column.type)}`)
  return `create table ${quotedName(database)}.${quotedName(name)} (${definitions.join(', ')})`
}

async function answerColumns(session: Session, input: PlanInput): Promise<PlannedColumn[]> {
  const prepared = await prepareSelect(session, input)
  return Array.from({ length: prepared.columnCount }, (_, index) => {
    const type = prepared.columnType(index)
    return { name: prepared.columnName(index), type: logicalType(type), engineType: engineTypeName(type) }
  })
}

function engineTypeName(type: ReturnType<DuckDBPreparedStatement['columnType']>): string {
  return type.alias === 'JSON' ? 'JSON' : type.toString()
}

/** The syntax was judged before; that DuckDB, too, takes the SQL for one SELECT is a second lock on the same door. */
async function prepareSelect(session: Session, input: PlanInput): Promise<DuckDBPreparedStatement> {
  try {
    const prepared = await session.prepare(input.sql)
    if (prepared.statementType === StatementType.SELECT) return prepared
  } catch (error) {
    const failure = engineFailure(error)
    throw failure === undefined ? error : queryError(failure, input)
  }
  throw new AppError('statement_not_allowed', 'The SQL is not a SELECT.')
}

/** From the serialised plan; where DuckDB fails to make one, from the printed plan; else nothing is known. */
async function readPlan(
  session: Session,
  input: PlanInput,
): Promise<{ sites: readonly ScanSite[] | undefined; shortcut: Shortcut | null }> {
  const serialized = await planJson(session, `select json_serialize_plan(${quotedText(input.sql)}, optimize := true)`)
  const { error, plans } = (serialized ?? {}) as { error?: boolean; plans?: unknown }
  if (error === false && plans !== undefined) {
    return { sites: scanSites(plans, input.tables), shortcut: shortcutOf(plans, input.tables) }
  }
  const printed = await planJson(session, `explain (format json) ${input.sql}`)
  return { sites: printed === undefined ? undefined : explainedSites(printed, input.tables), shortcut: null }
}

/** The JSON in the last column of the only row; undefined where DuckDB fails, since a query can run without its plan. */
async function planJson(session: Session, statement: string): Promise<unknown> {
  try {
    const [row] = await session.rows(statement)
    return parsePlan(String(row?.at(-1)))
  } catch {
    return undefined
  }
}

async function explainedLines(session: Session, sql: string): Promise<string[]> {
  const rows = await session.rows(`explain ${sql}`).catch(() => [])
  return rows.flatMap((row) => String(row.at(-1)).trimEnd().split('\n'))
}
