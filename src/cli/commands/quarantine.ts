import { isUtf8 } from 'node:buffer'

import type { Command } from 'commander'

import { countText } from '../amounts.ts'
import type { Job, QuarantineDeleted, QuarantineItem, QuarantineReason } from '../answers.ts'
import { path } from '../client.ts'
import type { Client } from '../client.ts'
import { rowsOf } from '../output/cells.ts'
import { hexDump } from '../output/hex-dump.ts'
import { printRecord, printRows } from '../output/printer.ts'
import { visible } from '../output/visible.ts'
import { awaitJob, failureOfJob } from '../query/await-job.ts'
import { confirm, connect, tableName, withConnection, withDatabase, withOutput } from '../session.ts'
import type { CommonOptions, TableName } from '../session.ts'
import { tell, write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { defineFix } from './quarantine-fix.ts'
import { defineRecordList } from './quarantine-list.ts'
import { thoseOf, withThose } from './quarantine-those.ts'
import type { ThoseFlags } from './quarantine-those.ts'

export function defineQuarantine(quarantine: Command, terminal: Terminal): void {
  defineRecordList(quarantine.command('list <table>'), terminal)
  defineReasons(quarantine, terminal)
  defineShow(quarantine, terminal)
  defineFix(quarantine, terminal)
  defineReplay(quarantine, terminal)
  defineDelete(quarantine, terminal)
}

function below({ database, table }: TableName): string {
  return path`/databases/${database}/tables/${table}/quarantine`
}

function defineReasons(quarantine: Command, terminal: Terminal): void {
  const columns = ['reason', 'count', 'bytes', 'first_at', 'last_at', 'detail'] as const
  withOutput(
    withDatabase(quarantine.command('reasons <table>').description('count the records by why they could not be read')),
  ).action(async (name: string, flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const reasons = await client.list<QuarantineReason>(`${below(tableName(client, name))}/reasons`)
    if (reasons.length === 0) tell(terminal, 'The quarantine of this table is empty.')
    await printRows(terminal, rowsOf(columns, reasons), flags.format)
  })
}

interface ShowFlags extends CommonOptions {
  readonly hex?: boolean
}

function defineShow(quarantine: Command, terminal: Terminal): void {
  withOutput(
    withDatabase(
      quarantine
        .command('show <table> <id>')
        .description('show a record: what is known of it on standard error, its bytes as data'),
    ),
  )
    .option('--hex', 'as hexadecimal digits beside the text, as it is shown anyway where it is no UTF-8 on a terminal')
    .action(async (name: string, id: string, flags: ShowFlags) => {
      const client = await connect(terminal, flags)
      const record = `${below(tableName(client, name))}${path`/${id}`}`
      const item = await client.get<QuarantineItem>(record)
      if (flags.format !== undefined) return await printRecord(terminal, item, flags.format)
      for (const line of describe(item)) tell(terminal, line)
      await printBytes(terminal, await bytesOf(client, record), flags.hex)
    })
}

async function bytesOf(client: Client, record: string): Promise<Buffer> {
  const response = await client.send('GET', `${record}/bytes`)
  return Buffer.from(await response.arrayBuffer())
}

function describe(item: QuarantineItem): string[] {
  const place = item.record_number === null ? 'The body' : `Record ${item.record_number} of the body`
  const reading = item.format === null ? 'nobody knows how to read it' : `read as ${item.format}, ${item.encoding}`
  return [
    `${place} “${item.unique_id}”: ${item.reason}: ${visible(item.detail)}`,
    `Quarantined at ${item.quarantined_at}; ${reading}; ${item.fixed_bytes === null ? 'as it came' : 'mended'}.`,
    ...item.history.map(({ what, at, user_id: user, job_id: job, reason }) =>
      what === 'fixed' ? `${at}: mended by user ${user}` : `${at}: read again by job ${job}, until then ${reason}`,
    ),
  ]
}

async function printBytes(terminal: Terminal, bytes: Buffer, hex: boolean | undefined): Promise<void> {
  const isForEyes = terminal.stdout.isTTY === true
  if (hex === true || (isForEyes && !isUtf8(bytes))) return await write(terminal.stdout, hexDump(bytes))
  if (!isForEyes) return await write(terminal.stdout, bytes)
  await write(terminal.stdout, `${visible(bytes.toString())}\n`)
}

function defineReplay(quarantine: Command, terminal: Terminal): void {
  withThose(
    withConnection(withDatabase(quarantine.command('replay <table> [ids...]').description('read records again'))),
  )
    .option('--detach', 'only submit the job')
    .action(async (name: string, ids: string[], flags: CommonOptions & ThoseFlags & { detach?: boolean }) => {
      const those = thoseOf(ids, flags)
      const client = await connect(terminal, flags)
      const submitted = await client.post<Job>(`${below(tableName(client, name))}/replay`, those)
      if (flags.detach === true) return tell(terminal, `Job ${submitted.id} reads them again.`)
      const done = await awaitJob(client, terminal, () => client.get<Job>(path`/jobs/${submitted.id}`), {
        timeoutMs: undefined,
        onInterrupt: 'detach',
      })
      tell(terminal, replayed(done))
    })
}

function replayed(job: Job): string {
  const failure = failureOfJob(job)
  if (failure !== undefined) throw failure
  const { released = 0, returned = 0, passed_over: passedOver = 0, rows = 0 } = job.replay ?? {}
  const sentences = [`${countText(released, 'record')} left the quarantine, with ${countText(rows, 'row')}.`]
  if (returned > 0) sentences.push(`${countText(returned, 'record')} could not be read this time either.`)
  if (passedOver > 0)
    sentences.push(`Of ${countText(passedOver, 'record')} it is not known how to read them: fix --as.`)
  return sentences.join(' ')
}

function defineDelete(quarantine: Command, terminal: Terminal): void {
  withThose(
    withConnection(withDatabase(quarantine.command('delete <table> [ids...]').description('delete records for good'))),
  )
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, ids: string[], flags: CommonOptions & ThoseFlags & { yes?: boolean }) => {
      const those = thoseOf(ids, flags)
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      await confirm(terminal, `Delete records of ${target.database}.${target.table} for good?`, flags.yes)
      let count = 0
      while (true) {
        const { deleted } = await client.post<QuarantineDeleted>(`${below(target)}/delete`, those)
        count += deleted
        if (deleted === 0) return tell(terminal, `Deleted ${countText(count, 'record')}.`)
      }
    })
}
