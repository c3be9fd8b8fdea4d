import { AppError } from '../../base/errors.ts'
import { queryColumns } from '../../store/columns.ts'
import type { QueryColumn } from '../../store/columns.ts'
import type { Chunk, NewChunk, Table } from '../../store/store.ts'
import { duckdbType, quotedName, quotedText } from '../../store/types.ts'
import type { PlannedSelect } from '../plan-select.ts'
import { planSelect, statisticsOf } from '../plan-select.ts'
import type { RowStatement, SelectText, StandIn, TableReference } from '../planning/statement.ts'
import { standInDatabase } from '../planning/statement.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import { runSelect } from '../run-select.ts'
import { columnsChanged, pairAnswer } from './add-rows.ts'
import type { Pairing } from '../../store/assignment.ts'
import { assignments } from '../../store/assignment.ts'
import { targetScan } from './delete-rows.ts'
import { appliedRows, requireTarget, written } from './job-write.ts'
import { replaceChunks } from './replace-chunks.ts'
import type { Replacement } from './replace-chunks.ts'
import { RewrittenGroups } from './rewritten-groups.ts'
import { uploadOneFile } from './upload-rows.ts'

/**
 * MERGE INTO t KEY (k) SELECT …: each row of the SELECT takes the place of the row that has its key, or is added where there
 * is none. The rows are computed once and held against all rows that the table has when they are committed, so that of two
 * statements at once the later one replaces the rows of the earlier.
 */
export async function mergeInto(
  context: QueryContext,
  statement: RowStatement & { kind: 'merge' },
): Promise<QueryOutput> {
  const table = await requireTarget(context, statement.table, 'full')
  const done = await appliedRows(context, table)
  if (done !== undefined) return written('merge', done)
  const planned = await planSelect(context, statement.select)
  const pairings = pairAnswer(table, planned, statement)
  const keys = keyColumns(table, pairings, statement.keys)
  const uploaded = await uploadOneFile(
    context,
    planned,
    assignments(pairings, context.moment.scheduledSeconds),
    table.id,
  )
  const [rows] = uploaded.chunks
  const statistics = statisticsOf(planned, uploaded.runMs)
  if (rows === undefined) return written('merge', 0, statistics)
  const merging: Merging = { table, keys, rows, selects: mergingSelects(statement.table, keys, rows) }
  await requireDistinct(context, merging)
  const groups = new RewrittenGroups(context)
  return await replaceChunks(context, {
    statement: 'merge',
    operation: 'upsert',
    mindsNewRows: true,
    plan: async () => ({ ...(await planMerge(context, merging, groups)), rows: rows.rows, statistics }),
  })
}

interface Merging {
  readonly table: Table
  readonly keys: readonly QueryColumn[]
  /** The rows of the SELECT, in their file. */
  readonly rows: NewChunk
  readonly selects: MergingSelects
}

/** The columns of the key; all of them have to be among those that the SELECT fills. */
function keyColumns(table: Table, pairings: readonly Pairing[], names: readonly string[]): QueryColumn[] {
  const known = queryColumns(table.columns)
  return names.map((name) => {
    const found = known.find(({ queryName }) => queryName.toLowerCase() === name.toLowerCase())
    if (found !== undefined && pairings.some(({ column }) => column.fieldId === found.column.fieldId)) return found
    throw new AppError('query_semantic', `The key ${JSON.stringify(name)} is no column that the rows have.`, {
      hint: 'KEY names columns of the table that the SELECT fills: MERGE INTO t KEY (id) SELECT 1 AS id, …',
    })
  })
}

async function planMerge(
  context: QueryContext,
  { table, rows, selects }: Merging,
  groups: RewrittenGroups,
): Promise<Pick<Replacement, 'snapshot' | 'removed' | 'added'>> {
  const near = await planSelect(context, selects.near)
  const { snapshot, chunks } = targetScan(near, selects.target)
  if (snapshot.table.id !== table.id || snapshot.table.schemaVersion !== table.schemaVersion) throw columnsChanged()
  const rewritten = await groups.rewrite(chunks, async () => {
    const opened = [...near.opened, ...near.opened.map((of) => ({ ...of, ...selects.keys }))]
    const plan = async (select: SelectText): Promise<PlannedSelect> =>
      withKeys(await planSelect(context, select, { explain: false, opened }), selects.keys, rows)
    return { snapshot, target: selects.target, going: await plan(selects.going), staying: await plan(selects.staying) }
  })
  return { snapshot, removed: rewritten.removed, added: [...rewritten.added, rows] }
}

/** The plan with the new rows as the table of the keys: they have its columns, and are not committed yet. */
function withKeys(planned: PlannedSelect, keys: StandIn, rows: NewChunk): PlannedSelect {
  const scans = planned.scans.map((scan) => {
    if (scan.plan.database !== keys.database || scan.plan.table !== keys.name) return scan
    const { table } = scan.snapshot
    const chunk: Chunk = {
      ...rows,
      layer: 'realtime',
      schemaVersion: table.schemaVersion,
      addedSnapshot: table.snapshot + 1,
      createdAt: table.updatedAt,
    }
    return { ...scan, chunks: [chunk], bytes: rows.bytes }
  })
  return { ...planned, scans }
}

/** Fails with `query_data` where a key comes twice, or is NULL: which row counts would be chance. */
async function requireDistinct(context: QueryContext, { rows, selects }: Merging): Promise<void> {
  const planned = await planSelect(context, selects.distinct)
  await runSelect(context, withKeys(planned, selects.keys, rows), {
    projection: [{ expression: 'cast(c0 as varchar)', name: 'complaint' }],
    fieldIds: null,
  })
}

interface MergingSelects {
  readonly target: StandIn
  readonly keys: StandIn
  /** Where rows with the keys can be, by the smallest and the largest of these. */
  readonly near: SelectText
  readonly going: SelectText
  readonly staying: SelectText
  readonly distinct: SelectText
}

function mergingSelects(table: TableReference, keyed: readonly QueryColumn[], rows: NewChunk): MergingSelects {
  const target: StandIn = { database: standInDatabase, name: 'target' }
  const keys: StandIn = { database: standInDatabase, name: 'keys' }
  const standIns = [target, keys].map((standIn) => ({ standIn, table, asOf: null }))
  const ours = (text: string): SelectText => ({ text, offset: 0, standIns })
  const names = keyed.map(({ queryName }) => quotedName(queryName))
  const pathOf = (standIn: StandIn) => `${quotedName(standIn.database)}.${quotedName(standIn.name)}`
  const matching = `(select true from ${pathOf(keys)} as k where ${names.map((name) => `k.${name} = t.${name}`).join(' and ')})`
  return {
    target,
    keys,
    near: ours(`select true from ${pathOf(target)} as t where ${boundsOf(keyed, rows)}`),
    going: ours(`select true from ${pathOf(target)} as t where exists ${matching}`),
    staying: ours(`select t.* from ${pathOf(target)} as t where not exists ${matching}`),
    distinct: ours(distinctSelect(names, pathOf(keys))),
  }
}

/** Statistics leave out what would be long, know nothing of nested values, and not of NaN: such a key may be anywhere. */
function boundsOf(keyed: readonly QueryColumn[], { statistics }: NewChunk): string {
  const bounds = keyed.flatMap(({ column, queryName }) => {
    const { min, max } = statistics[column.fieldId] ?? { bytes: 0, nulls: 0 }
    if (min === undefined || max === undefined || column.type.kind === 'double') return []
    const value = (text: string) => `cast(${quotedText(text)} as ${duckdbType(column.type)})`
    return [`t.${quotedName(queryName)} between ${value(min)} and ${value(max)}`]
  })
  return bounds.length === 0 ? 'true' : bounds.join(' and ')
}

function distinctSelect(names: readonly string[], path: string): string {
  const shown = names.map((name) => `cast(${name} as varchar)`).join(`, ', ', `)
  const isNull = names.map((name) => `${name} is null`).join(' or ')
  return `
    select max(case when ${isNull} then error('A row has NULL in its key, by which no row can be found.')
                    when times > 1 then error(concat('The key (', ${shown}, ') comes ', times, ' times in the rows to be merged.'))
               end)
      from (select ${names.join(', ')}, count(*) as times from ${path} group by ${names.join(', ')})`
}
