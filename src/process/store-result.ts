import { must } from '../base/errors.ts'
import { duckdbFileType } from '../store/types.ts'
import type { PlannedColumn } from './engines/duckdb/tasks.ts'
import type { QueryOutput } from './process.ts'
import type { PlannedSelect } from './plan-select.ts'
import { statisticsOf } from './plan-select.ts'
import type { QueryContext } from './query-context.ts'
import { runSelect } from './run-select.ts'

/** Runs the SELECT and stores its answer as the job's result. */
export async function storeResult(
  context: QueryContext,
  planned: PlannedSelect,
  statement: QueryOutput['statement'],
): Promise<QueryOutput> {
  const { columns } = planned.plan
  const { resultFormat: format = null } = context.input
  const small = { columns: columns.map(({ name, type }) => ({ name, type })), format }
  const answer = await runSelect(context, planned, { projection: columns.map(resultColumn), fieldIds: null, small })
  context.progress({ stage: 'storing', percent: null, bytesToScan: null })
  const resultKey = resultKeyOf(context)
  const { objects } = context.ports
  if (answer.small === undefined) await objects.putFile(resultKey, must(answer.files[0], 'a result is one file').path)
  else await objects.put(resultKey, answer.small.bytes)
  const ready = answer.small?.ready ?? null
  return {
    statement,
    columns: small.columns,
    rows: answer.rows,
    resultKey,
    resultBytes: answer.bytes,
    ...(ready !== null && { ready }),
    statistics: statisticsOf(planned, answer.runMs),
  }
}

/** Casts to the type that the result is said to have, so that DuckDB does not choose one for the file by itself. */
function resultColumn({ type, engineType }: PlannedColumn, index: number): { expression: string; name: string } {
  const name = `c${index}`
  const target = duckdbFileType(type)
  return { name, expression: target === engineType ? name : `cast(${name} as ${target})` }
}

/** An attempt that lost its lease without knowing it must not write over the result of the one that won. */
function resultKeyOf({ accountId, attempt }: QueryContext): string {
  return `results/${accountId}/${attempt.job.id}-${attempt.leaseToken}.parquet`
}
