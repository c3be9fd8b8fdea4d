import type { Disk } from '../base/disk.ts'
import { must } from '../base/errors.ts'
import { duckdbFileType } from '../store/types.ts'
import type { PlannedColumn } from './engines/duckdb/tasks.ts'
import type { QueryOutput } from './process.ts'
import type { PlannedSelect } from './plan-select.ts'
import { statisticsOf } from './plan-select.ts'
import type { QueryContext } from './query-context.ts'
import type { WrittenAnswer } from './run-select.ts'
import { runSelect } from './run-select.ts'

/**
 * A result up to this size lies in the row of its job, which is written at its end anyhow: to store it takes no round trip to the object store, and
 * neither does reading it. As base64 it is a third larger.
 */
const inlineBytesMax = 8192

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
  const inline = await storeAnswer(context, resultKey, answer)
  const ready = answer.small?.ready ?? null
  return {
    statement,
    columns: small.columns,
    rows: answer.rows,
    resultKey,
    ...inline,
    resultBytes: answer.bytes,
    ...(ready !== null && { ready }),
    statistics: statisticsOf(planned, answer.runMs),
  }
}

/** Stores the answer under the key, unless it is to lie with the job: then it is returned for that. */
async function storeAnswer(
  { ports: { disk, objects } }: QueryContext,
  resultKey: string,
  { bytes, small, files }: WrittenAnswer,
): Promise<Pick<QueryOutput, 'inline'>> {
  const path = (): string => must(files[0], 'a result is one file').path
  if (bytes <= inlineBytesMax) {
    const file = small?.bytes ?? (await readSmallFile(disk, path()))
    return { inline: Buffer.from(file).toString('base64') }
  }
  if (small === undefined) await objects.putFile(resultKey, path())
  else await objects.put(resultKey, small.bytes)
  return {}
}

async function readSmallFile(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read')
  try {
    return await file.read(0, inlineBytesMax)
  } finally {
    await file.close()
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
