import { StatementType } from '@duckdb/node-api'
import type { DuckDBPreparedStatement } from '@duckdb/node-api'

import { AppError } from '../../base/errors.ts'
import { duckdbType, quotedName } from '../../store/types.ts'
import { engineFailure, queryError } from '../engines/duckdb/engine-errors.ts'
import { logicalType } from '../engines/duckdb/result-types.ts'
import { schemaStatements } from '../engines/duckdb/schemas.ts'
import type { Session } from '../../base/duckdb/session.ts'
import { quotedText } from '../../base/duckdb/session.ts'
import type { EngineTable, Plan, PlanInput, PlannedColumn } from '../engines/duckdb/tasks.ts'
import { dependsOnMoment, macrosFor } from '../engines/duckdb/make-functions.ts'
import type { PlanningSessions } from '../engines/duckdb/planning-sessions.ts'
import { explainedSites } from './explained-scans.ts'
import { parsePlan } from './plan-nodes.ts'
import { isOnePass } from './plan-passes.ts'
import type { ScanSite } from './plan-scans.ts'
import { plannedScans, scanSites } from './plan-scans.ts'
import { shortcutOf } from './plan-shortcuts.ts'

/**
 * The second look at a query, as an engine task: DuckDB optimises it over empty stub tables, and the plan tells the types of
 * the answer, which columns of which tables are read, and at which times. No data is touched.
 */
export async function planQuery(input: PlanInput, sessions: PlanningSessions): Promise<Plan> {
  const { columns, plans, explained } = await sessions.within(input, async (session) => {
    await makeStubs(session, input)
    return {
      columns: await answerColumns(session, input),
      plans: await serializedPlan(session, input),
      explained: input.explain ? await explainedLines(session, input.sql) : [],
    }
  })
  const sites = plans === undefined ? await printedSites(sessions, input) : scanSites(plans, input.tables)
  return {
    columns,
    scans: plannedScans(input.tables, sites),
    shortcut: plans === undefined ? null : shortcutOf(plans, input.tables),
    isOnePass: isOnePass(plans),
    dependsOnMoment: dependsOnMoment(input),
    explained,
  }
}

async function makeStubs(session: Session, input: PlanInput): Promise<void> {
  const statements = [
    ...macrosFor(input),
    ...schemaStatements(input.tables, input.database),
    ...input.tables.map(stubTable),
  ]
  if (statements.length > 0) await session.run(statements.join('\n'))
}

function stubTable({ database, name, columns }: EngineTable): string {
  const definitions = columns.map(({ column, queryName }) => `${quotedName(queryName)} ${duckdbType(column.type)}`)
  return `create table ${quotedName(database)}.${quotedName(name)} (${definitions.join(', ')});`
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

/** Undefined where DuckDB fails to make one. */
async function serializedPlan(session: Session, input: PlanInput): Promise<unknown> {
  const serialized = await planJson(session, `select json_serialize_plan(${quotedText(input.sql)}, optimize := true)`)
  const { error, plans } = (serialized ?? {}) as { error?: boolean; plans?: unknown }
  return error === false ? plans : undefined
}

/** From the printed plan, in a transaction that nothing has failed in; undefined where there is none either: nothing is known. */
async function printedSites(sessions: PlanningSessions, input: PlanInput): Promise<readonly ScanSite[] | undefined> {
  const printed = await sessions.within(input, async (session) => {
    await makeStubs(session, input)
    return await planJson(session, `explain (format json) ${input.sql}`)
  })
  return printed === undefined ? undefined : explainedSites(printed, input.tables)
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
