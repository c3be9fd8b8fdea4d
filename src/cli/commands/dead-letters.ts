import type { Command } from 'commander'

import type { DeadLetterGroup, Redriven } from '../answers.ts'
import { usage } from '../failure.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { connect, wholeNumber, withConnection, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

/** The commands of `biwa job` for jobs that used up their attempts. */
export function defineDeadLetters(job: Command, terminal: Terminal): void {
  withOutput(job.command('dead').description('group jobs that used up their attempts by what they failed of')).action(
    async (flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const groups = await client.list<DeadLetterGroup>('/dead-letters')
      if (groups.length === 0) tell(terminal, 'No dead jobs.')
      const columns = ['fingerprint', 'kind', 'count', 'last_at', 'error_code', 'error_message', 'job_id'] as const
      await printRows(terminal, rowsOf(columns, groups), flags.format)
    },
  )

  withConnection(job.command('redrive').description('queue dead jobs again, with all their attempts before them'))
    .option('--fingerprint <fingerprint>', 'those of a group of “biwa job dead”')
    .option('--kind <kind>', 'those of a kind')
    .option('--id <id>', 'this one', wholeNumber('--id', 1, Number.MAX_SAFE_INTEGER))
    .option('--all', 'all of them')
    .option('-n, --dry-run', 'only say how many')
    .action(async (flags: CommonOptions & RedriveFlags) => redrive(terminal, flags))
}

interface RedriveFlags {
  readonly fingerprint?: string
  readonly kind?: string
  readonly id?: number
  readonly all?: boolean
  readonly dryRun?: boolean
}

async function redrive(terminal: Terminal, flags: CommonOptions & RedriveFlags): Promise<void> {
  const { fingerprint, kind, id, all, dryRun = false } = flags
  if (fingerprint === undefined && kind === undefined && id === undefined && all !== true) {
    throw usage('Say which jobs: --fingerprint, --kind, --id or --all.', '“biwa job dead” lists the groups.')
  }
  const client = await connect(terminal, flags)
  const filter = { fingerprint, kind, all, ...(id !== undefined && { ids: [id] }) }
  let count = 0
  while (true) {
    const { ids, more } = await client.post<Redriven>('/dead-letters/redrive', { ...filter, dry_run: dryRun })
    count += ids.length
    if (!more || dryRun) {
      const which = `${count} ${count === 1 ? 'job' : 'jobs'}${more ? ' at first, and more after them' : ''}`
      return tell(terminal, dryRun ? `Would queue ${which} again.` : `Queued ${which} again.`)
    }
  }
}
