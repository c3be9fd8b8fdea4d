import type { Job } from '../answers.ts'
import { bytesText, secondsText } from '../amounts.ts'
import { path, persistence } from '../client.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { Progress, stopwatch } from '../progress.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

/** How long one question to the server waits: also how old the progress that is shown may be. */
const askSeconds = 1

/** How long after the first Ctrl-C a second one kills the job. */
const secondThoughtMs = 3_000

const finished: ReadonlySet<string> = new Set(['success', 'error', 'killed', 'dead'])

export function isFinished(job: Job): boolean {
  return finished.has(job.state)
}

export interface AwaitOptions {
  readonly timeoutMs: number | undefined
  /** What Ctrl-C does: `detach` leaves the job running and kills it only the second time. */
  readonly onInterrupt: 'detach' | 'kill'
  /** Shows nothing. */
  readonly quiet?: boolean
}

/**
 * Waits for the end of a job that `start` submits or fetches, and shows how it goes. The server keeps the job: when this
 * process goes away, the job does not.
 */
export async function awaitJob(
  client: Client,
  terminal: Terminal,
  start: () => Promise<Job>,
  options: AwaitOptions,
): Promise<Job> {
  const elapsed = stopwatch(terminal.clock)
  let job: Job | undefined
  let interrupts = 0
  const progress = new Progress(terminal, () => ({ text: progressText(job, elapsed()), fraction: fractionOf(job) }))
  const release = terminal.onInterrupt(() => void interrupts++)
  try {
    if (options.quiet !== true) progress.start()
    job = await start()
    while (!isFinished(job)) {
      if (interrupts > 0) {
        progress.stop()
        if (options.onInterrupt === 'kill' || interrupts > 1) return await kill(client, terminal, job)
        return await detach(client, terminal, job, () => interrupts > 1)
      }
      if (options.timeoutMs !== undefined && elapsed() * 1000 >= options.timeoutMs) throw timedOut(job)
      job = await askAgain(client, job, askSeconds)
    }
    return job
  } finally {
    progress.stop()
    release()
  }
}

function askAgain(client: Client, job: Job, seconds: number): Promise<Job> {
  return client.get<Job>(path`/jobs/${job.id}`, { wait: seconds }, { retry: persistence })
}

async function kill(client: Client, terminal: Terminal, job: Job): Promise<Job> {
  await client.post(path`/jobs/${job.id}/kill`)
  tell(terminal, `Job ${job.id} is being killed.`)
  for (let latest = await askAgain(client, job, askSeconds); ; latest = await askAgain(client, job, askSeconds)) {
    if (isFinished(latest)) return latest
  }
}

async function detach(client: Client, terminal: Terminal, job: Job, again: () => boolean): Promise<Job> {
  const interactive = terminal.stdin.isTTY === true
  tell(
    terminal,
    `\nJob ${job.id} goes on. Wait for it: biwa job wait ${job.id}. Fetch its result: biwa job result ${job.id}.`,
  )
  if (interactive) {
    tell(terminal, 'Ctrl-C again kills it.')
    const deadline = terminal.clock.monotonicMs() + secondThoughtMs
    while (terminal.clock.monotonicMs() < deadline) {
      if (again()) return await kill(client, terminal, job)
      await terminal.clock.sleep(50)
    }
  }
  throw new Failure(exitCodes.interrupted, `Left job ${job.id}, which goes on.`)
}

function timedOut(job: Job): Failure {
  return new Failure(exitCodes.waitTimedOut, `The wait is over; job ${job.id} is still ${job.state}.`, {
    hint: `biwa job wait ${job.id} waits on, biwa job kill ${job.id} ends it.`,
  })
}

/** The failure of a finished job; undefined where it succeeded. */
export function failureOfJob(job: Job): Failure | undefined {
  if (job.state === 'success') return undefined
  if (job.state === 'killed') return new Failure(exitCodes.killed, `Job ${job.id} was killed.`)
  const { error, query } = job
  const position = error?.position
  return new Failure(exitCodes.jobFailed, error?.message ?? `Job ${job.id} failed.`, {
    where: `job ${job.id}${error === null ? '' : `, ${error.code}`}`,
    hint: error?.hint,
    sql: query === null || position === undefined ? undefined : { text: query.sql, position },
  })
}

/** What a query says of itself while it runs (`QueryProgress` of the server). */
interface QueryProgress {
  readonly stage: string
  readonly percent: number | null
  readonly bytesToScan: number | null
}

function progressOf(job: Job | undefined): QueryProgress | undefined {
  const progress = job?.progress
  const known = typeof progress === 'object' && progress !== null && 'stage' in progress
  return known ? (progress as QueryProgress) : undefined
}

function progressText(job: Job | undefined, seconds: number): string {
  const progress = progressOf(job)
  const parts = [
    job === undefined
      ? 'query sent'
      : `job ${job.id} ${job.state === 'running' ? (progress?.stage ?? 'running') : job.state}`,
    ...(typeof progress?.bytesToScan === 'number' && progress.bytesToScan > 0
      ? [`${bytesText(progress.bytesToScan)} to scan`]
      : []),
    secondsText(seconds),
  ]
  return parts.join(', ')
}

function fractionOf(job: Job | undefined): number | undefined {
  const percent = progressOf(job)?.percent
  return typeof percent === 'number' && percent >= 0 ? percent / 100 : undefined
}
