import type { Command } from 'commander'

import { bytesText, countText } from '../amounts.ts'
import type { Job } from '../answers.ts'
import { path } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure, usage } from '../failure.ts'
import { rowsOf } from '../output/cells.ts'
import { printRecord, printRows } from '../output/printer.ts'
import { awaitJob, failureOfJob } from '../query/await-job.ts'
import { connect, wholeNumber, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell, write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

interface VerifyFlags extends CommonOptions {
  readonly repair?: boolean
  readonly sample?: number
  readonly json?: boolean
  readonly detach?: boolean
}

const columns = ['database', 'table', 'chunk', 'what', 'detail', 'byte', 'outcome', 'object_key'] as const

const unmended: ReadonlySet<string> = new Set(['reported', 'set_aside'])

export function defineVerify(command: Command, terminal: Terminal): void {
  withOutput(command)
    .argument('[name]', 'a database, or a table as database.table; everything where absent')
    .option('--repair', 'mend what can be mended without losing a row, and set the rest aside')
    .option('--sample <number>', 'only so many chunks of each table, by chance', wholeNumber('--sample', 1, 1_000_000))
    .option('--json', 'all that was found, as one JSON object')
    .option('--detach', 'only submit the job, and print its id')
    .addHelpText('after', examples)
    .action(async (name: string | undefined, flags: VerifyFlags) => {
      const client = await connect(terminal, flags)
      const submitted = await client.post<Job>('/verifications', {
        ...placeOf(name),
        repair: flags.repair ?? false,
        ...(flags.sample !== undefined && { sample: flags.sample }),
      })
      if (flags.detach === true) {
        tell(terminal, `Job ${submitted.id} verifies. biwa job wait ${submitted.id} waits for it.`)
        return await printRecord(terminal, { id: submitted.id }, flags.format)
      }
      const done = await awaitJob(client, terminal, () => client.get<Job>(path`/jobs/${submitted.id}`), {
        timeoutMs: undefined,
        onInterrupt: 'detach',
      })
      await report(terminal, done, flags)
    })
}

const examples = `
Examples:
  biwa verify                        every table of the account
  biwa verify web.logs --repair      one table, and mend what is wrong
  biwa verify web --sample 20        twenty chunks of each table of a database

Exits with ${exitCodes.checkFailed} where something is wrong and was not mended.`

function placeOf(name: string | undefined): { database?: string; table?: string } {
  if (name === undefined) return {}
  const [database, table, more] = name.split('.')
  if (database === undefined || database === '' || table === '' || more !== undefined) {
    throw usage(`“${name}” is neither a database nor database.table.`)
  }
  return { database, ...(table !== undefined && { table }) }
}

async function report(terminal: Terminal, job: Job, flags: VerifyFlags): Promise<void> {
  const failure = failureOfJob(job)
  if (failure !== undefined) throw failure
  const { verification } = job
  if (verification === null) throw new Failure(exitCodes.internal, `Job ${job.id} tells nothing of what it found.`)
  const { problems, problem_count: count, tables, chunks, bytes } = verification
  if (flags.json === true) await write(terminal.stdout, `${JSON.stringify(verification, null, 2)}\n`)
  else if (problems.length > 0) await printRows(terminal, rowsOf(columns, problems), flags.format)
  tell(terminal, `Read ${countText(chunks, 'chunk')} of ${countText(tables, 'table')}, ${bytesText(bytes)}.`)
  const left = problems.filter(({ outcome }) => unmended.has(outcome)).length + (count - problems.length)
  if (count === 0) return tell(terminal, 'All is as it was written.')
  if (left === 0) return tell(terminal, `${countText(count, 'problem')} found, and mended.`)
  throw new Failure(exitCodes.checkFailed, `${countText(left, 'problem')} of ${count} found and not mended.`, {
    hint:
      flags.repair === true
        ? 'What was set aside is kept: biwa table damaged lists it. Bring the objects back from a backup.'
        : 'biwa verify --repair mends what can be mended, and sets aside what cannot.',
  })
}
