import type { Command } from 'commander'

import { bytesText, countText } from '../amounts.ts'
import type { DamagedChunk, Job, TableLayout } from '../answers.ts'
import { path } from '../client.ts'
import type { Client } from '../client.ts'
import { usage } from '../failure.ts'
import { rowsOf } from '../output/cells.ts'
import { requireFormat, textFormats } from '../output/formats.ts'
import { printRecord, printRows } from '../output/printer.ts'
import { layoutLines } from '../output/table-picture.ts'
import { awaitJob, failureOfJob } from '../query/await-job.ts'
import { submitQuery } from '../query/submit-query.ts'
import { connect, tableName, withDatabase, withOutput } from '../session.ts'
import type { CommonOptions, TableName } from '../session.ts'
import { tell, write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

/** Named by `table layout web logs`, as by `table layout web.logs`. */
function placeOf(client: Client, name: string, second: string | undefined): TableName {
  return second === undefined ? tableName(client, name) : { database: name, table: second }
}

export function defineLayout(table: Command, terminal: Terminal): void {
  withOutput(
    withDatabase(
      table
        .command('layout <table> [name]')
        .description('show how the chunks of a table lie: layers, hours, small files, overlap'),
    ),
  )
    .option('-q, --query <sql>', 'also what this query would open of them')
    .addHelpText(
      'after',
      `
Examples:
  biwa table layout web.logs
  biwa table layout web logs --query "select count(*) from logs where td_interval(time, '-1d')"`,
    )
    .action(async (name: string, second: string | undefined, flags: CommonOptions & { query?: string }) => {
      const client = await connect(terminal, flags)
      const target = placeOf(client, name, second)
      const layout = await client.get<TableLayout>(path`/databases/${target.database}/tables/${target.table}/layout`)
      const opened = flags.query === undefined ? undefined : await openedBy(client, terminal, target, flags.query)
      if (flags.format !== undefined) {
        requireFormat(flags.format, textFormats)
        return await printRecord(terminal, opened === undefined ? layout : { ...layout, opened }, flags.format)
      }
      await write(terminal.stdout, `${layoutLines(layout, terminal.stdout.columns || 80).join('\n')}\n`)
      for (const scan of opened ?? []) tell(terminal, openedText(scan))
    })
}

type Scan = NonNullable<NonNullable<Job['query']>['result']>['statistics']['scans'][number]

/** EXPLAIN plans the query as it would run, and reads nothing. */
async function openedBy(
  client: Client,
  terminal: Terminal,
  { database }: TableName,
  sql: string,
): Promise<readonly Scan[]> {
  if (/^\s*explain\b/i.test(sql)) throw usage('The query is explained in any case.', 'Leave EXPLAIN away.')
  const submit = () => submitQuery(client, terminal, { sql: `explain ${sql}`, database, waitSeconds: 2 })
  const job = await awaitJob(client, terminal, submit, { timeoutMs: undefined, onInterrupt: 'kill' })
  const failure = failureOfJob(job)
  if (failure !== undefined) throw failure
  return job.query?.result?.statistics.scans ?? []
}

function openedText({ database, table, chunks_opened: opened, chunks_total: total, bytes }: Scan): string {
  const pruned = total === 0 ? 0 : Math.round((100 * (total - opened)) / total)
  return `The query opens ${opened} of ${countText(total, 'chunk')} of ${database}.${table} (${pruned} % pruned) and reads ${bytesText(bytes)}.`
}

export function defineDamaged(table: Command, terminal: Terminal): void {
  const columns = [
    'id',
    'reason',
    'detail',
    'byte_offset',
    'from',
    'to',
    'rows',
    'bytes',
    'set_aside_at',
    'object_key',
  ] as const
  withOutput(
    withDatabase(table.command('damaged <table>').description('list the chunks that “biwa verify” set aside')),
  ).action(async (name: string, flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const { database, table: own } = tableName(client, name)
    const chunks = await client.list<DamagedChunk>(path`/databases/${database}/tables/${own}/damaged-chunks`)
    await printRows(terminal, rowsOf(columns, chunks), flags.format)
  })
}
