import type { Command } from 'commander'

import type { Snapshot, SnapshotDiff } from '../answers.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { readMoment } from '../moments.ts'
import { deliverResult, rowsShown } from '../query/deliver-result.ts'
import { quoted, runStatement } from '../query/run-statement.ts'
import type { CommonOptions, TableName } from '../session.ts'
import { connect, tableName, wholeNumber, withDatabase, withOutput } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { tell } from '../terminal.ts'
import { pathOf } from './table-changes.ts'

/** The commands that tell what a table was. */
export function defineHistory(table: Command, terminal: Terminal): void {
  withOutput(withDatabase(table.command('snapshots <table>').description('list what was done with a table')))
    .option('--limit <number>', 'how many', wholeNumber('--limit', 1, 1_000_000), 20)
    .addHelpText('after', '\nA snapshot that is kept can be read: select … from events for version as of 12')
    .action(async (name: string, flags: CommonOptions & { limit: number }) => {
      const client = await connect(terminal, flags)
      const snapshots: Snapshot[] = []
      const below = `${pathOf(tableName(client, name))}/snapshots`
      for await (const snapshot of client.items<Snapshot>(below, { limit: Math.min(flags.limit, 1000) })) {
        if (snapshots.push(snapshot) === flags.limit) break
      }
      const shown = snapshots.map(({ added, removed, ...snapshot }) => ({
        ...snapshot,
        rows_added: added.rows,
        rows_removed: removed.rows,
      }))
      const columns = [
        'snapshot',
        'committed_at',
        'operation',
        'cause',
        'rows_added',
        'rows_removed',
        'rows',
        'chunks',
        'kept',
      ] as const
      await printRows(terminal, rowsOf(columns, shown), flags.format)
    })

  withOutput(
    withDatabase(
      table.command('diff <table> <from> [to]').description('tell what happened from one snapshot to another'),
    ),
  )
    .option('--rows', 'show the rows that came (+) and went (-), instead of counts')
    .addHelpText(
      'after',
      '\nSnapshots are numbers, or times: biwa table diff events 12 15; biwa table diff events 2026-01-31 --rows',
    )
    .action(async (name: string, from: string, to: string | undefined, flags: CommonOptions & { rows?: boolean }) => {
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      const ends = { from: momentOf('<from>', from), ...(to !== undefined && { to: momentOf('[to]', to) }) }
      const diff = await client.get<SnapshotDiff>(`${pathOf(target)}/diff`, ends)
      tell(terminal, `${target.database}.${target.table} from snapshot ${diff.from} to ${diff.to}`)
      if (flags.rows !== true) return await printRows(terminal, countsOf(diff), flags.format)
      const job = await runStatement(client, terminal, changedRows(target, diff), { quiet: false })
      await deliverResult(client, terminal, job, { format: flags.format, output: undefined, limit: rowsShown })
    })
}

function momentOf(argument: string, text: string): string {
  return /^\d+$/.test(text) ? text : readMoment(argument, text)
}

function countsOf({ operations, added, removed }: SnapshotDiff) {
  const lines = operations.map(({ operation, commits, ...totals }) => ({ what: operation, commits, ...totals }))
  const all = { what: 'difference', commits: lines.reduce((sum, { commits }) => sum + commits, 0), added, removed }
  const shown = [...lines, all].map((line) => ({
    what: line.what,
    commits: line.commits,
    rows_added: line.added.rows,
    rows_removed: line.removed.rows,
    chunks_added: line.added.chunks,
    chunks_removed: line.removed.chunks,
  }))
  return rowsOf(['what', 'commits', 'rows_added', 'rows_removed', 'chunks_added', 'chunks_removed'], shown)
}

/** Chunks that both snapshots have are not read: their rows are the same. */
function changedRows({ database, table }: TableName, { from, to }: SnapshotDiff): string {
  const name = `${quoted(database)}.${quoted(table)}`
  const only = (snapshot: number, other: number) =>
    `select * from ${name} for version as of ${snapshot} since ${other}
     except all select * from ${name} for version as of ${other} since ${snapshot}`
  return `select '+' as change, * from (${only(to, from)})
          union all select '-' as change, * from (${only(from, to)}) order by time, change`
}
