import type { Command } from 'commander'

import type { Worker } from '../answers.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { connect, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

export function defineWorker(worker: Command, terminal: Terminal): void {
  withOutput(worker.command('list').description('list the processes that take jobs')).action(
    async (flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const workers = await client.list<Worker>('/workers')
      if (workers.length === 0) tell(terminal, 'No workers: jobs wait. Start one: biwa serve')
      const rows = workers.map((one) => ({
        ...one,
        kinds: one.kinds.map(({ kind, concurrency }) => `${kind}=${concurrency}`).join(','),
      }))
      const columns = ['name', 'state', 'jobs', 'kinds', 'version', 'host', 'pid', 'started_at'] as const
      await printRows(terminal, rowsOf(columns, rows), flags.format)
    },
  )
}
