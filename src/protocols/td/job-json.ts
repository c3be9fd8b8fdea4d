import type { ErrorRecord } from '../../base/errors.ts'
import type { Job, JobState } from '../../jobs/jobs.ts'
import { finishedStates } from '../../jobs/jobs.ts'
import type { QueryJobInput, QueryOutput, QueryProgress } from '../../process/process.ts'
import { engineOfKind } from '../../process/process.ts'
import { formatType } from '../../store/types.ts'
import { dateText, spacedJson } from './codec.ts'

export const tdStates = ['queued', 'booting', 'running', 'success', 'error', 'killed'] as const
export type TdState = (typeof tdStates)[number]

/** Which of our states are told as which of Treasure Data's. A dead letter has failed, and one that is to be tried again waits. */
export const statesOf = {
  queued: ['queued', 'delayed', 'retry_wait'],
  booting: ['running'],
  running: ['running'],
  success: ['success'],
  error: ['error', 'dead'],
  killed: ['killed'],
} as const satisfies Record<TdState, readonly JobState[]>

export function tdStateOf({ state, progress }: Job): TdState {
  if (state === 'running') return progress === null ? 'booting' : 'running'
  return tdStates.find((known) => (statesOf[known] as readonly JobState[]).includes(state)) ?? 'queued'
}

/** The types by which clients know jobs that are no queries. Kinds that are not among these are nobody's business but ours. */
const otherTypes: Readonly<Record<string, string>> = {
  bulk_import: 'bulk_import_perform',
  result_export: 'result_export',
}

/** The kinds of the jobs that clients get to see. */
export const shownKinds: readonly string[] = ['query', 'batch', ...Object.keys(otherTypes)]

/** `presto`, `hive` …: what the job was submitted as, or which of both runs on its engine. */
export function typeOf({ kind, input }: Pick<Job, 'kind' | 'input'>): string {
  const engine = engineOfKind(kind)
  if (engine === undefined) return otherTypes[kind] ?? kind
  return (input as QueryJobInput).submittedAs ?? (engine === 'batch' ? 'hive' : 'presto')
}

/** What a job is told with that it does not say of itself. */
export interface JobFacts {
  readonly job: Job
  readonly userName: string
  /** Of the result as msgpack.gz; null where there is none, or it was not made yet. */
  readonly resultBytes: number | null
  /** Where our own API shows the job. */
  readonly url: string
}

export function statusJson({ job, resultBytes }: JobFacts) {
  return {
    status: tdStateOf(job),
    job_id: String(job.id),
    start_at: dateOrNull(job.startedAt),
    created_at: dateText(job.createdAt),
    updated_at: dateText(job.finishedAt ?? job.startedAt ?? job.createdAt),
    end_at: dateOrNull(job.finishedAt),
    duration: durationOf(job),
    // What the processors did for one query among others is not measured.
    cpu_time: null,
    result_size: resultBytes,
    num_records: outputOf(job)?.rows ?? null,
  }
}

/** A job as lists have it. Clients in Go refuse keys that they do not know, such as the output of a job in a list. */
export function listedJson(facts: JobFacts) {
  const { job, userName, url } = facts
  const { sql = '', database = null, delivery } = job.input as Partial<QueryJobInput>
  return {
    ...statusJson(facts),
    type: typeOf(job),
    database: database ?? '',
    query: sql,
    user_name: userName,
    result: delivery?.shownAs ?? '',
    url,
    hive_result_schema: schemaOf(job),
    organization: null,
    priority: job.priority,
    retry_limit: job.attemptsMax - 1,
    result_export_target_job_id: (job.input as { readonly queryJobId?: number }).queryJobId ?? null,
    linked_result_export_job_id: null,
  }
}

export function shownJson(facts: JobFacts) {
  return { ...listedJson(facts), debug: debugOf(facts.job) }
}

function dateOrNull(date: Date | null): string | null {
  return date === null ? null : dateText(date)
}

/** Whole seconds, of a job that is done. */
function durationOf({ startedAt, finishedAt }: Job): number | null {
  if (startedAt === null || finishedAt === null) return null
  return Math.max(0, Math.round((finishedAt.getTime() - startedAt.getTime()) / 1000))
}

export function outputOf(job: Job): QueryOutput | undefined {
  return job.state === 'success' && engineOfKind(job.kind) !== undefined ? (job.output as QueryOutput) : undefined
}

/** JSON in a text: `[["cnt", "bigint"]]`. */
function schemaOf(job: Job): string | null {
  const output = outputOf(job)
  if (output === undefined || output.resultKey === null) return null
  return spacedJson(output.columns.map(({ name, type }) => [name, formatType(type)]))
}

function debugOf(job: Job): { cmdout: string | null; stderr: string | null } {
  const { sql = '' } = job.input as Partial<QueryJobInput>
  const isFailed = finishedStates.has(job.state) && job.state !== 'success'
  return { cmdout: progressText(job), stderr: isFailed && job.error !== null ? failureText(job.error, sql) : '' }
}

function progressText(job: Job): string {
  const began = job.startedAt === null ? [] : [`started at ${dateText(job.startedAt)}`]
  if (finishedStates.has(job.state)) {
    const rows = outputOf(job)?.rows
    const ended = job.finishedAt === null ? [] : [`finished at ${dateText(job.finishedAt)}`]
    return lines([...began, ...ended, ...(rows === undefined ? [] : [`${rows} rows`])])
  }
  const { stage, percent, bytesToScan } = (job.progress ?? {}) as Partial<QueryProgress>
  return lines([
    ...began,
    ...(stage === undefined ? [] : [`${stage}${typeof percent === 'number' ? `: ${Math.round(percent)} %` : ''}`]),
    ...(typeof bytesToScan === 'number' ? [`reads ${bytesToScan} bytes`] : []),
  ])
}

const shownCharacters = 120

/** The failure with its place in the SQL, the line there with a caret below it, and what to do about it. */
export function failureText({ code, message, hint, position }: ErrorRecord, sql: string): string {
  const { line, column } = position ?? {}
  const text = line === undefined ? undefined : sql.split('\n')[line - 1]
  const place = line === undefined || column === undefined ? '' : `line ${line}:${column}: `
  return lines([
    `${place}${message} (${code})`,
    ...(text === undefined || column === undefined ? [] : caretBelow(text, column)),
    ...(hint === undefined ? [] : [`Hint: ${hint}`]),
  ])
}

/** Of a long line, the part around the place. */
function caretBelow(line: string, column: number): string[] {
  const from = Math.max(0, column - 1 - shownCharacters / 2)
  const shown = line.slice(from, from + shownCharacters)
  // Tabs stay tabs, so that the caret stands below its character.
  return [shown, `${shown.slice(0, column - 1 - from).replaceAll(/[^\t]/g, ' ')}^`]
}

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('')
