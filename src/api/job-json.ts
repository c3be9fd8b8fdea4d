import { errorCatalogue } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { ReplaySummary } from '../collect/replay.ts'
import { replayKind } from '../collect/replay.ts'
import type { Job } from '../jobs/jobs.ts'
import type { Delivery, QueryJobInput, QueryOutput } from '../process/process.ts'
import { engineOfKind } from '../process/process.ts'
import { formatType } from '../store/types.ts'
import type { VerifySummary } from '../store/upkeep.ts'
import { verifyKind } from '../store/upkeep.ts'

/** A job as the contract shows it. */
export function jobJson(job: Job) {
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    priority: job.priority,
    user_id: job.userId,
    attempt: job.attempt,
    attempts_max: job.attemptsMax,
    timeout_seconds: job.timeoutMs === null ? null : job.timeoutMs / 1000,
    progress: job.progress ?? null,
    error: job.error === null ? null : errorJson(job.error),
    created_at: job.createdAt.toISOString(),
    run_at: job.runAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
    kill_requested_at: job.killRequestedAt?.toISOString() ?? null,
    query: queryJson(job),
    verification:
      job.kind === verifyKind && job.state === 'success' ? verificationJson(job.output as VerifySummary) : null,
    replay: job.kind === replayKind && job.state === 'success' ? replayJson(job.output as ReplaySummary) : null,
  }
}

function errorJson({ code, message, hint, position }: ErrorRecord) {
  return {
    code,
    message,
    retryable: errorCatalogue[code].retryable,
    ...(hint !== undefined && { hint }),
    ...(position !== undefined && { position }),
  }
}

function queryJson(job: Job) {
  const engine = engineOfKind(job.kind)
  if (engine === undefined) return null
  const input = job.input as QueryJobInput
  const output = job.state === 'success' ? (job.output as QueryOutput) : null
  return {
    engine,
    sql: input.sql,
    database: input.database,
    deliver_to: input.delivery === undefined ? null : deliveryJson(input.delivery),
    result: output === null ? null : resultJson(output),
  }
}

function deliveryJson({ database, table, mode }: Delivery) {
  return { database, table, mode }
}

function verificationJson({ problemCount, problems, ...counts }: VerifySummary) {
  return {
    ...counts,
    problem_count: problemCount,
    problems: problems.map(({ objectKey, ...problem }) => ({ ...problem, object_key: objectKey })),
  }
}

function replayJson({ released, returned, passedOver, rows }: ReplaySummary) {
  return { released, returned, passed_over: passedOver, rows }
}

function resultJson(output: QueryOutput) {
  const { statistics } = output
  return {
    statement: output.statement,
    columns: output.columns.map(({ name, type }) => ({ name, type: formatType(type) })),
    rows: output.rows,
    bytes: output.resultBytes,
    downloadable: output.resultKey !== null,
    statements: [...(output.statements ?? [{ statement: output.statement, rows: output.rows }])],
    statistics: {
      scans: statistics.scans.map((scan) => ({
        database: scan.database,
        table: scan.table,
        snapshot: scan.snapshot,
        chunks_opened: scan.chunksOpened,
        chunks_in_time: scan.chunksInTime ?? scan.chunksOpened,
        chunks_total: scan.chunksTotal,
        columns: [...scan.columns],
        time_ranges: scan.timeRanges.map(([from, to]): [number | null, number | null] => [from, to]),
        bytes: scan.bytes,
      })),
      bytes_scanned: statistics.bytesScanned,
      from_metadata: statistics.fromMetadata ?? false,
      plan_ms: statistics.planMs,
      run_ms: statistics.runMs,
    },
  }
}
