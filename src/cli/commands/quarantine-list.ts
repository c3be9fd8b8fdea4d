import type { Command } from 'commander'

import type { QuarantinedRecord } from '../answers.ts'
import { path } from '../client.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { connect, tableName, wholeNumber, withDatabase, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import type { Terminal } from '../terminal.ts'

const columns = [
  'id',
  'quarantined_at',
  'unique_id',
  'record_number',
  'byte_offset',
  'reason',
  'detail',
  'raw_bytes',
  'raw',
] as const

/** The command that lists records; it has two names. */
export function defineRecordList(command: Command, terminal: Terminal): void {
  withOutput(withDatabase(command.description('list the records that could not be read')))
    .option('--limit <number>', 'how many', wholeNumber('--limit', 1, 1_000_000), 100)
    .action(async (name: string, flags: CommonOptions & { limit: number }) => {
      const client = await connect(terminal, flags)
      const { database, table } = tableName(client, name)
      const records: QuarantinedRecord[] = []
      const list = path`/databases/${database}/tables/${table}/quarantine`
      for await (const record of client.items<QuarantinedRecord>(list, { limit: Math.min(flags.limit, 1000) })) {
        if (records.push(record) === flags.limit) break
      }
      await printRows(terminal, rowsOf(columns, records), flags.format)
    })
}
