import { queryColumns } from '../store/columns.ts'
import type { Analysis, AnalyzedTable, EngineTable, Plan, PlanInput } from './engines/duckdb/tasks.ts'
import { analyzeTask, planTask } from './engines/duckdb/tasks.ts'
import type { ChosenScan } from './planning/choose-chunks.ts'
import { bytesOf, chooseChunks, scanStatistics, unopenedScans } from './planning/choose-chunks.ts'
import type { OpenedTable } from './planning/resolve-tables.ts'
import { openTables } from './planning/resolve-tables.ts'
import { knownAnswer } from './planning/known-answer.ts'
import type { SelectText } from './planning/statement.ts'
import type { QueryStatistics } from './process.ts'
import type { QueryContext } from './query-context.ts'
import { engineSql, planningPoolLimits } from './query-context.ts'

/** A SELECT that is ready to run: its columns, and the chunks it has to open. */
export interface PlannedSelect {
  readonly select: SelectText
  readonly plan: Plan
  /** Each place in which it names a table. */
  readonly references: readonly AnalyzedTable[]
  /** The tables that it names. */
  readonly opened: readonly OpenedTable[]
  readonly scans: readonly ChosenScan[]
  /** Whether the catalog knew the answer: then `select` has it as constants, and nothing is opened. */
  readonly fromMetadata: boolean
  readonly planMs: number
}

export interface PlanOptions {
  /** Whether DuckDB's own plan is wanted. */
  readonly explain: boolean
  /** The tables as another plan opened them, where both have to see the same. */
  readonly opened?: readonly OpenedTable[]
}

/** Judges, plans and prunes, without reading data. */
export async function planSelect(
  context: QueryContext,
  select: SelectText,
  options: PlanOptions = { explain: false },
): Promise<PlannedSelect> {
  const { clock, engines } = context.ports
  const startedMs = clock.monotonicMs()
  const text = engineSql(context, select)
  const limits = planningPoolLimits(context)
  const analyse = () => engines.run<Analysis>({ kind: analyzeTask, input: text }, limits)
  const { tables } = await context.analyses.of(text, analyse)
  const opened = options.opened ?? (await openTables(context, tables, select.standIns))
  const input: PlanInput = {
    ...text,
    ...context.moment,
    database: engineDatabase(context),
    tables: opened.map(engineTable),
    explain: options.explain,
  }
  const planned = await context.plans.of(input, () => engines.run<Plan>({ kind: planTask, input }, limits))
  // What the catalog sums up is all of a snapshot, and not what another one leaves of it.
  const isPartial = opened.some(({ without }) => without !== undefined)
  const plan = isPartial ? { ...planned, shortcut: null } : planned
  const known = await knownAnswer(context, opened, plan)
  const scans = known === undefined ? await chooseChunks(context, opened, plan) : unopenedScans(opened, plan)
  const planMs = Math.round(clock.monotonicMs() - startedMs)
  return { select: known ?? select, references: tables, plan, opened, scans, fromMetadata: known !== undefined, planMs }
}

export function engineTable({ database, name, snapshot }: OpenedTable): EngineTable {
  return { database, name, columns: queryColumns(snapshot.table.columns) }
}

/** Where the engine looks up unqualified names. */
export function engineDatabase({ input }: QueryContext): string | null {
  return input.database === null ? null : input.database.toLowerCase()
}

export function statisticsOf({ scans, fromMetadata, planMs }: PlannedSelect, runMs: number): QueryStatistics {
  return { scans: scanStatistics(scans), bytesScanned: bytesOf(scans), fromMetadata, planMs, runMs }
}

export const noStatistics: QueryStatistics = { scans: [], bytesScanned: 0, fromMetadata: false, planMs: 0, runMs: 0 }
