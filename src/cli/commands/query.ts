import type { Command } from 'commander'

import type { Job } from '../answers.ts'
import { bytesText, secondsText } from '../amounts.ts'
import type { Client } from '../client.ts'
import { linesOf, readCells } from '../output/result-rows.ts'
import { plainText } from '../output/cells.ts'
import { visible } from '../output/visible.ts'
import { awaitJob, failureOfJob } from '../query/await-job.ts'
import { chosenFormat, deliverResult, downloadedFormat, resultFormats, rowsShown } from '../query/deliver-result.ts'
import { downloadResult } from '../query/download.ts'
import { fillIn, readParameters } from '../query/parameters.ts'
import { engineOption } from '../query/engine-option.ts'
import { readSql } from '../query/read-sql.ts'
import { submitQuery } from '../query/submit-query.ts'
import { connect, wholeNumber, withDatabase, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell, write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

interface QueryFlags extends CommonOptions {
  readonly query?: string
  readonly output?: string
  readonly limit: number
  readonly param: readonly string[]
  readonly wait: boolean
  readonly waitTimeout?: number
  readonly timeout?: number
  readonly engine?: string
  readonly retries?: number
  readonly priority?: number
  readonly idempotencyKey?: string
  readonly dryRun?: boolean
  readonly statistics?: boolean
}

export function defineQuery(command: Command, terminal: Terminal): void {
  withOutput(withDatabase(command), resultFormats)
    .argument('[sql]', 'the statement; else -q, or standard input')
    .option('-q, --query <file>', 'read the statement from a file; - for standard input')
    .option('-o, --output <file>', 'write the result to a file, whose name may say the format')
    .option('--limit <rows>', 'how many rows a table shows at most', wholeNumber('--limit', 0, 1_000_000), rowsShown)
    .option('--param <name=text>', 'the value of ${name} in the SQL, as a text; name:=value for numbers', collect, [])
    .option('-w, --wait', 'wait for the end (that is the default)', true)
    .option('--no-wait', 'print the id of the job and leave')
    .option('--wait-timeout <seconds>', 'how long to wait', wholeNumber('--wait-timeout', 1, 604_800))
    .option('--timeout <seconds>', 'how long the query may run', wholeNumber('--timeout', 1, 86_400))
    .addOption(engineOption())
    .option(
      '--retries <number>',
      'how often to try again after a failure that may pass',
      wholeNumber('--retries', 0, 32),
    )
    .option('--priority <number>', 'from -2 to 2; higher is sooner', wholeNumber('--priority', -2, 2))
    .option('--idempotency-key <key>', 'submitting a key again answers the first job')
    .option('-n, --dry-run', 'only tell what would be read (EXPLAIN)')
    .option('--statistics', 'tell what was read, and how long it took')
    .addHelpText('after', '\nCtrl-C leaves the job running and tells how to come back to it; a second one kills it.')
    .action((sql: string | undefined, flags: QueryFlags) => runQuery(terminal, sql, flags))
}

const noSqlHint = 'biwa query "select …", biwa query -q FILE, or biwa sql to talk.'

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

async function runQuery(terminal: Terminal, given: string | undefined, flags: QueryFlags): Promise<void> {
  const delivery = { format: flags.format, output: flags.output, limit: flags.limit }
  chosenFormat(terminal, delivery)
  const text = await readSql(terminal, given, flags.query, noSqlHint)
  const sql = fillIn(text, readParameters(flags.param))
  const client = await connect(terminal, flags)
  const query = {
    sql: flags.dryRun === true ? `explain ${sql}` : sql,
    database: client.config.database?.value,
    engine: flags.engine,
    retryLimit: flags.retries,
    priority: flags.priority,
    idempotencyKey: flags.idempotencyKey,
    timeoutSeconds: flags.timeout,
    resultFormat: flags.dryRun === true ? 'ndjson' : downloadedFormat(terminal, delivery),
  } as const
  if (!flags.wait) {
    const job = await submitQuery(client, terminal, { ...query, waitSeconds: 0 })
    tell(terminal, `biwa job wait ${job.id} waits for it, biwa job result ${job.id} fetches its result.`)
    return await write(terminal.stdout, `${job.id}\n`)
  }
  const job = await awaitJob(client, terminal, () => submitQuery(client, terminal, { ...query, waitSeconds: 1 }), {
    timeoutMs: flags.waitTimeout === undefined ? undefined : flags.waitTimeout * 1000,
    onInterrupt: 'detach',
  })
  const failure = failureOfJob(job)
  if (failure !== undefined) throw failure
  if (flags.dryRun === true) await printPlan(client, terminal, job)
  else await deliverResult(client, terminal, job, delivery)
  if (flags.statistics === true) tell(terminal, statisticsText(job))
}

/** The plan as the lines that it is, without a frame around them. */
async function printPlan(client: Client, terminal: Terminal, job: Job): Promise<void> {
  for await (const line of linesOf(downloadResult(client, terminal, job, 'ndjson'))) {
    await write(
      terminal.stdout,
      `${visible(
        readCells(line)
          .map((cell) => plainText(cell, ''))
          .join(' '),
      )}\n`,
    )
  }
}

export function statisticsText(job: Job): string {
  const statistics = job.query?.result?.statistics
  if (statistics === undefined) return `Job ${job.id}`
  const { scans, bytes_scanned: bytes, from_metadata: isKnown, plan_ms: plan, run_ms: run } = statistics
  const chunks = scans.map(
    (scan) =>
      `${scan.chunks_opened} of ${scan.chunks_total} chunks of ${scan.database}.${scan.table}${leftOutText(scan)}`,
  )
  const opened = chunks.length === 0 ? '' : `, read ${chunks.join(', ')} (${bytesText(bytes)})`
  const read = isKnown ? ', answered from metadata' : opened
  return `Job ${job.id}: planned in ${secondsText(plan / 1000)}, ran ${secondsText(run / 1000)}${read}.`
}

type Scan = NonNullable<NonNullable<Job['query']>['result']>['statistics']['scans'][number]

function leftOutText({ chunks_total: total, chunks_in_time: inTime, chunks_opened: opened }: Scan): string {
  const parts = [
    ...(total > inTime ? [`${total - inTime} left out by time`] : []),
    ...(inTime > opened ? [`${inTime - opened} by statistics`] : []),
  ]
  return parts.length === 0 ? '' : `, ${parts.join(' and ')}`
}
