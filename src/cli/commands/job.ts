import type { Command } from 'commander'

import type { Job, JobTransition, JobWaiting, KilledJob } from '../answers.ts'
import { path } from '../client.ts'
import type { Client } from '../client.ts'
import { rowsOf } from '../output/cells.ts'
import { printRecord, printRows } from '../output/printer.ts'
import { awaitJob, failureOfJob, isFinished } from '../query/await-job.ts'
import { chosenFormat, deliverResult, resultFormats, rowsShown } from '../query/deliver-result.ts'
import { sqlSummary } from '../query/sql-summary.ts'
import { connect, wholeNumber, withConnection, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { defineDeadLetters } from './dead-letters.ts'

const jobId = wholeNumber('The id of a job', 1, Number.MAX_SAFE_INTEGER)

export function defineJob(job: Command, terminal: Terminal): void {
  defineList(job, terminal)
  defineShow(job, terminal)
  defineWait(job, terminal)
  defineKill(job, terminal)
  defineResult(job, terminal)
  defineWhy(job, terminal)
  defineDeadLetters(job, terminal)
}

function defineList(job: Command, terminal: Terminal): void {
  withOutput(job.command('list').description('list jobs, the newest first'))
    .option('--kind <kind>', 'only of this kind, such as query or import')
    .option('--state <state>', 'only in this state, such as running or error')
    .option('--limit <number>', 'how many', wholeNumber('--limit', 1, 1000), 20)
    .action(async (flags: CommonOptions & { kind?: string; state?: string; limit: number }) => {
      const client = await connect(terminal, flags)
      const jobs: Job[] = []
      const { kind, state, limit } = flags
      for await (const one of client.items<Job>('/jobs', { kind, state, limit })) {
        if (jobs.push(one) === limit) break
      }
      const columns = ['id', 'kind', 'state', 'created_at', 'seconds', 'sql'] as const
      await printRows(terminal, rowsOf(columns, jobs.map(summaryOf)), flags.format)
    })
}

function summaryOf(job: Job) {
  const { started_at: start, finished_at: end } = job
  const seconds = start === null || end === null ? null : (Date.parse(end) - Date.parse(start)) / 1000
  return { ...job, seconds, sql: job.query === null ? null : sqlSummary(job.query.sql) }
}

function defineShow(job: Command, terminal: Terminal): void {
  withOutput(job.command('show').argument('<id>', 'the job', jobId).description('show a job')).action(
    async (id: number, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      await printRecord(terminal, await client.get<Job>(path`/jobs/${id}`), flags.format)
    },
  )

  withOutput(
    job.command('logs').argument('<id>', 'the job', jobId).description('list every change of a job’s state'),
  ).action(async (id: number, flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const changes = await client.list<JobTransition>(path`/jobs/${id}/history`)
    await printRows(terminal, rowsOf(['at', 'from', 'to', 'attempt', 'actor', 'reason'], changes), flags.format)
  })
}

function defineWait(job: Command, terminal: Terminal): void {
  withOutput(
    job
      .command('wait')
      .argument('<id>', 'the job', jobId)
      .description('wait for the end of a job; fails when it fails'),
  )
    .option('--wait-timeout <seconds>', 'how long to wait', wholeNumber('--wait-timeout', 1, 604_800))
    .action(async (id: number, flags: CommonOptions & { waitTimeout?: number }) => {
      const client = await connect(terminal, flags)
      const done = await waitFor(client, terminal, id, flags.waitTimeout)
      const failure = failureOfJob(done)
      if (failure !== undefined) throw failure
      tell(terminal, `Job ${id} succeeded.`)
    })
}

function waitFor(client: Client, terminal: Terminal, id: number, seconds: number | undefined): Promise<Job> {
  return awaitJob(client, terminal, () => client.get<Job>(path`/jobs/${id}`), {
    timeoutMs: seconds === undefined ? undefined : seconds * 1000,
    onInterrupt: 'detach',
  })
}

function defineKill(job: Command, terminal: Terminal): void {
  withConnection(job.command('kill').argument('<id>', 'the job', jobId).description('end a job')).action(
    async (id: number, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const { former_state: state } = await client.post<KilledJob>(path`/jobs/${id}/kill`)
      tell(terminal, `Job ${id} was ${state}; it is being killed.`)
    },
  )
}

function defineResult(job: Command, terminal: Terminal): void {
  withOutput(
    job.command('result').argument('<id>', 'the job', jobId).description('fetch the result of a query'),
    resultFormats,
  )
    .option('-o, --output <file>', 'write it to a file, whose name may say the format')
    .option('--limit <rows>', 'how many rows a table shows at most', wholeNumber('--limit', 0, 1_000_000), rowsShown)
    .action(async (id: number, flags: CommonOptions & { output?: string; limit: number }) => {
      const delivery = { format: flags.format, output: flags.output, limit: flags.limit }
      chosenFormat(terminal, delivery)
      const client = await connect(terminal, flags)
      const latest = await client.get<Job>(path`/jobs/${id}`)
      const done = isFinished(latest) ? latest : await waitFor(client, terminal, id, undefined)
      const failure = failureOfJob(done)
      if (failure !== undefined) throw failure
      await deliverResult(client, terminal, done, delivery)
    })
}

function defineWhy(job: Command, terminal: Terminal): void {
  withConnection(job.command('why').argument('<id>', 'the job', jobId).description('say why a job waits')).action(
    async (id: number, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const { position, reasons } = await client.get<JobWaiting>(path`/jobs/${id}/waiting`)
      if (position === null) {
        const { state } = await client.get<Job>(path`/jobs/${id}`)
        return tell(terminal, `Job ${id} does not wait: its state is ${state}.`)
      }
      tell(terminal, `Job ${id} waits, number ${position} of its kind in this account.`)
      for (const reason of reasons) tell(terminal, `  ${sentenceOf(reason)}`)
    },
  )
}

function sentenceOf(reason: JobWaiting['reasons'][number]): string {
  switch (reason.reason) {
    case 'not_due':
      return reason.state === 'retry_wait'
        ? `It has failed, and is tried again at ${reason.until}.`
        : `It is not due until ${reason.until}.`
    case 'no_worker':
      return `No worker takes jobs of the kind ${reason.kind}; “biwa worker list” shows those there are.`
    case 'limit':
      // What takes more than there is does not begin when others end.
      if ((reason.wants ?? 0) > (reason.slots ?? 0))
        return `It takes ${reason.wants} slots of the limit ${reason.key}, which has ${reason.slots}: “biwa limit set” gives it more.`
      return `The limit ${reason.key} is full: ${reason.used} of ${reason.slots} slots are used, it takes ${reason.wants}.`
    case 'limit_paused':
      return `The limit ${reason.key} is paused until ${reason.until}.`
    case 'behind':
      return `${reason.at_least === true ? 'At least ' : ''}${reason.ahead} ${reason.ahead === 1 ? 'job goes' : 'jobs go'} first.`
    case 'workers_busy':
      return `All ${reason.places} places of the workers are taken.`
    case 'next':
      return 'It is the next to begin.'
  }
}
