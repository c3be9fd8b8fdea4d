import { must } from '../../base/errors.ts'
import type { Chunk } from '../../store/store.ts'
import { quotedName } from '../../store/types.ts'
import type { ConditionAnalysis, ConditionInput, TruthInput } from '../engines/duckdb/tasks.ts'
import { conditionTask, truthTask } from '../engines/duckdb/tasks.ts'
import type { PlannedSelect } from '../plan-select.ts'
import { planSelect, statisticsOf } from '../plan-select.ts'
import { requireWithinLimit } from '../planning/choose-chunks.ts'
import type { Condition, RowStatement, SelectText, StandIn, TableReference } from '../planning/statement.ts'
import { standInDatabase } from '../planning/statement.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import { engineSql, planningPoolLimits } from '../query-context.ts'
import { appliedRows, requireTarget, written } from './job-write.ts'
import { removeAllRows } from './replace-all.ts'
import type { Replacement } from './replace-chunks.ts'
import { replaceChunks } from './replace-chunks.ts'
import { RewrittenGroups } from './rewritten-groups.ts'

/** DELETE FROM: exactly the rows for which the condition is true, and that were there when the statement began. */
export async function deleteFrom(
  context: QueryContext,
  { table: reference, where }: RowStatement & { kind: 'delete' },
): Promise<QueryOutput> {
  if (where === null) return await removeAllRows(context, reference, 'delete')
  const table = await requireTarget(context, reference, 'full')
  const done = await appliedRows(context, table)
  if (done !== undefined) return written('delete', done)
  const selects = dividing(reference, where)
  const analysis = await analyze(context, selects.going, where)
  const groups = new RewrittenGroups(context)
  return await replaceChunks(context, {
    statement: 'delete',
    operation: 'delete',
    mindsNewRows: false,
    plan: () => planDelete(context, { where, selects, analysis, groups }),
  })
}

interface Deletion {
  readonly where: Condition
  readonly selects: DividingSelects
  readonly analysis: ConditionAnalysis
  readonly groups: RewrittenGroups
}

async function planDelete(context: QueryContext, { where, selects, analysis, groups }: Deletion): Promise<Replacement> {
  const { target } = selects
  const going = await planSelect(context, selects.going)
  requireWithinLimit(context, going.scans)
  const { snapshot, chunks } = targetScan(going, target)
  const whole = new Set(analysis.isConvexInTime ? await wholeChunks(context, where, chunks) : [])
  const rest = chunks.filter((chunk) => !whole.has(chunk))
  const rewritten = await groups.rewrite(rest, async () => {
    const staying = await planSelect(context, selects.staying, { explain: false, opened: going.opened })
    return { snapshot, target, going, staying }
  })
  const removed = [...whole, ...rewritten.removed]
  const sum = (of: readonly { readonly rows: number }[]) => of.reduce((total, { rows }) => total + rows, 0)
  return {
    snapshot,
    removed,
    added: rewritten.added,
    rows: sum(removed) - sum(rewritten.added),
    statistics: statisticsOf(going, rewritten.runMs),
  }
}

interface DividingSelects {
  readonly target: StandIn
  readonly going: SelectText
  readonly staying: SelectText
}

/**
 * The SELECTs of the rows that go and of those that stay. The table is called by a stand-in, for the condition may name it as
 * well: what it means there is all of the table, also while a few chunks of it are looked at. The condition stands at its own
 * place of the SQL, so that errors in it are found there.
 */
function dividing(table: TableReference, where: Condition): DividingSelects {
  const target: StandIn = { database: standInDatabase, name: String(where.standIns.length) }
  const from = `from ${quotedName(target.database)}.${quotedName(target.name)} as ${quotedName(where.alias)}`
  const standIns = [...where.standIns, { standIn: target, table, asOf: null }]
  const around = (prefix: string, suffix: string): SelectText => ({
    text: `${prefix}${where.text}${suffix}`,
    offset: where.offset - prefix.length,
    standIns,
  })
  return {
    target,
    going: around(`select true ${from} where `, ''),
    // The line ends, in case that the condition ends with a comment.
    staying: around(`select ${quotedName(where.alias)}.* ${from} where not coalesce(cast((`, '\n) as boolean), false)'),
  }
}

async function analyze(context: QueryContext, going: SelectText, { alias }: Condition): Promise<ConditionAnalysis> {
  const input: ConditionInput = { ...engineSql(context, going), alias }
  return await context.ports.engines.run<ConditionAnalysis>({ kind: conditionTask, input }, planningPoolLimits(context))
}

/** The chunks of which every row goes, for the condition holds at their first and at their last time: nothing is read. */
async function wholeChunks(context: QueryContext, where: Condition, chunks: readonly Chunk[]): Promise<Chunk[]> {
  const input: TruthInput = {
    ...engineSql(context, where),
    ...context.moment,
    alias: where.alias,
    times: chunks.flatMap(({ timeRange }) => [timeRange.from, timeRange.to - 1]),
  }
  const truths = await context.ports.engines.run<boolean[]>({ kind: truthTask, input }, planningPoolLimits(context))
  return chunks.filter((_, index) => truths[index * 2] === true && truths[index * 2 + 1] === true)
}

export function targetScan({ scans }: PlannedSelect, target: StandIn): PlannedSelect['scans'][number] {
  const scan = scans.find(({ plan }) => plan.database === target.database && plan.table === target.name)
  return must(scan, 'the statement scans the table that it changes')
}
