import { buffer } from 'node:stream/consumers'

import { AppError } from '../../../base/errors.ts'
import type { ResultFormat, ResultObject } from '../../../deliver/deliver.ts'
import type { Job } from '../../../jobs/jobs.ts'
import { finishedStates } from '../../../jobs/jobs.ts'
import { queryColumns, rescuedColumn, timeUsColumn } from '../../../store/columns.ts'
import type { Table, TableName } from '../../../store/store.ts'
import { quotedName } from '../../../store/types.ts'
import { mapsOfArrays } from '../msgpack-maps.ts'
import { operation } from '../operation.ts'
import type { Answer, Call, Operation } from '../operation.ts'
import { tableOfPath } from '../sight.ts'

const rowsDefault = 30
const rowsMax = 100
/** Of the rows of one answer: a hundred of the largest would be six times as much. */
const bytesMax = 64 << 20
/** How long the query may take. Clients wait for minutes, but what takes longer is no look at the last rows. */
const waitMsMax = 60_000

/** Formats as clients name them, and those that the rows are delivered in. */
const formats: Readonly<Record<string, ResultFormat>> = {
  msgpack: 'msgpack',
  json: 'ndjson',
  csv: 'csv',
  tsv: 'tsv',
}

/** The newest rows by time, newest first: a query, of which the client waits for the result. */
async function tail(call: Call): Promise<Answer> {
  const { form, principal, store, process, jobs } = call
  const name = tableOfPath(call)
  const count = countOf(form['count'])
  const format = formatOf(form['format'])
  await call.access.require(principal, name.database, 'query')
  const table = await store.table(principal.accountId, name.database, name.name)
  const sql = `SELECT ${columnsOf(table).map(quotedName).join(', ')} FROM ${inSql(name)} ORDER BY time DESC LIMIT ${count}`
  const { job } = await process.submitQuery(principal, {
    sql,
    database: name.database,
    engine: 'interactive',
    priority: 1,
    timeoutMs: waitMsMax,
  })
  const done = await jobs.wait(principal.accountId, job.id, waitMsMax, call.nobodyWaits())
  requireSuccess(done)
  return await answerOf(await call.deliver.result(done, format), table, format)
}

/** Those of records; the fixed columns that Treasure Data does not have are left out. */
function columnsOf(table: Table): string[] {
  const hidden = new Set([timeUsColumn.fieldId, rescuedColumn.fieldId])
  return queryColumns(table.columns)
    .filter(({ column }) => !hidden.has(column.fieldId))
    .map(({ queryName }) => queryName)
}

async function answerOf(result: ResultObject, table: Table, format: ResultFormat): Promise<Answer> {
  const headers = { 'content-type': result.contentType }
  if (format !== 'msgpack') return { headers, body: await result.stream() }
  if (result.bytes > bytesMax) {
    throw new AppError('body_too_large', `The rows have ${result.bytes} bytes; ${bytesMax} are allowed.`, {
      hint: 'Ask for fewer rows, or run a query for them.',
    })
  }
  return { headers, body: mapsOfArrays(columnsOf(table), await buffer(await result.stream())) }
}

function requireSuccess(job: Job): void {
  if (job.state === 'success') return
  if (job.error !== null) throw AppError.fromRecord(job.error)
  if (finishedStates.has(job.state))
    throw new AppError('job_killed', `The job ${job.id} that looked at the rows was killed.`)
  throw new AppError(
    'wait_timeout',
    `The job ${job.id} that looks at the rows takes longer than ${waitMsMax / 1000} s.`,
    {
      hint: 'Ask again later.',
    },
  )
}

function countOf(text: string | undefined): number {
  if (text === undefined || text === '') return rowsDefault
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1) return Math.min(count, rowsMax)
  throw new AppError('invalid_request', `The parameter \`count\` is no number of rows: ${JSON.stringify(text)}.`, {
    hint: `Ask for 1 to ${rowsMax}.`,
  })
}

function formatOf(text: string | undefined): ResultFormat {
  const format = text === undefined || text === '' ? 'msgpack' : formats[text]
  if (format !== undefined) return format
  throw new AppError('unsupported_format', `Rows are not shown as ${JSON.stringify(text)}.`, {
    hint: `The formats are ${Object.keys(formats).join(', ')}.`,
  })
}

/** Deletes the rows of whole hours: a job, as for any other DELETE. */
const partialDelete = operation('POST', '/table/partialdelete/{database}/{table}', async (call) => {
  const { principal, form, store, process } = call
  const name = tableOfPath(call)
  const [from, to] = [hourOf(form['from'], 'from'), hourOf(form['to'], 'to')]
  if (from >= to) {
    throw new AppError('invalid_request', `There is no time from ${from} to ${to}.`, { hint: '`to` is after `from`.' })
  }
  await call.access.require(principal, name.database, 'full')
  await store.table(principal.accountId, name.database, name.name)
  const sql = `DELETE FROM ${inSql(name)} WHERE time >= ${from} AND time < ${to}`
  const domainKey = form['domain_key']
  const { job } = await process.submitQuery(principal, {
    sql,
    database: name.database,
    engine: 'batch',
    submittedAs: 'partialdelete',
    ...(domainKey !== undefined && domainKey !== '' && { domainKey }),
  })
  return { body: { job_id: String(job.id), database: name.database, table: name.name, from, to } }
})

const hourSeconds = 3600

function hourOf(text: string | undefined, name: 'from' | 'to'): number {
  const seconds = Number(text)
  if (/^\d{1,12}$/.test(text ?? '') && seconds % hourSeconds === 0) return seconds
  throw new AppError('invalid_request', `The parameter \`${name}\` is no whole hour: ${JSON.stringify(text ?? '')}.`, {
    hint: `Give unix seconds that ${hourSeconds} divides. A DELETE statement takes any condition.`,
  })
}

const inSql = ({ database, name }: TableName): string => `${quotedName(database)}.${quotedName(name)}`

export const rowOperations: readonly Operation[] = [
  operation('GET', '/table/tail/{database}/{table}', tail),
  operation('POST', '/table/tail/{database}/{table}', tail),
  partialDelete,
]
