import { systemClock } from '../../base/clock.ts'
import { must } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import { selectLanes } from '../active-lanes.sql.ts'
import { Announcer } from '../announcer.ts'
import type { DeadLetters } from '../dead-letters.ts'
import { jobSources, jobState } from '../job-row.ts'
import type { JobState } from '../jobs.ts'
import { Lanes } from '../lanes.ts'
import type { Limits } from '../limits.ts'
import { openDeadLetters } from '../open-dead-letters.ts'
import { openLimits } from '../open-limits.ts'
import { positionOf } from '../position.sql.ts'
import type { SettleParts } from '../settle.ts'
import type { ModelLane } from './queue-model.ts'

export const kind = 'modelled'
export const owner = 'worker'
export const leaseTerms = { owner, ms: 3_600_000 }

/** One account's part of a queue that nobody else uses, with a clock of minutes in the past: time passes by command. */
export interface QueueUnderTest {
  readonly postgres: Postgres
  readonly accountId: number
  readonly lanes: Lanes
  readonly limits: Limits
  readonly deadLetters: DeadLetters
  readonly settling: SettleParts
  /** Counts what was done, to see that all was. */
  readonly done: Map<string, number>
}

export async function openQueueUnderTest(postgres: Postgres, done: Map<string, number>): Promise<QueueUnderTest> {
  const options = { postgres, clock: systemClock, log: openLog('silent') }
  const announcer = new Announcer(postgres, systemClock)
  const name = `of history ${done.get('histories') ?? 0}`
  const rows = await postgres.query<{ id: number }>(sql`insert into accounts (name) values (${name}) returning id`)
  return {
    postgres,
    accountId: must(rows[0], 'the account was made').id,
    lanes: new Lanes(),
    limits: openLimits(options),
    deadLetters: openDeadLetters(options),
    settling: { postgres, randomness: systemRandomness, announcer, owner },
    done,
  }
}

/** The jobs of one history are not those of the next. */
export async function clearQueue({ postgres }: QueueUnderTest): Promise<void> {
  for (const table of [sql`job_waiting`, sql`job_running`, sql`job_limits`])
    await postgres.query(sql`delete from ${table}`)
}

/** Ten days ago at minute 0; `never` is a time to come. */
const minuteZeroMs = Math.floor(Date.now() / 60_000) * 60_000 - 10 * 86_400_000
export const never = 100_000

export const atMinute = (minute: number) => new Date(minuteZeroMs + minute * 60_000)

/** Lets the time for which a job waits have come at that minute. */
export async function letBeDue({ postgres }: QueueUnderTest, jobId: number, minute: number): Promise<void> {
  await postgres.query(sql`
    update job_waiting w
       set due_at = ${atMinute(minute)}::timestamptz,
           position = ${positionOf(sql`${atMinute(minute)}::timestamptz`, sql`j.priority`)}
      from jobs j
     where w.job_id = ${jobId} and j.id = w.job_id`)
}

export async function letLeaseRunOut({ postgres }: QueueUnderTest, leaseToken: number): Promise<void> {
  await postgres.query(sql`
    update job_running set lease_expires_at = now() - interval '1 second' where lease_token = ${leaseToken}`)
}

export function laneFacts({ accountId }: QueueUnderTest, { resources }: ModelLane) {
  return { kind, accountId, resources }
}

/** The lanes with what limits them now, as a worker knows them. */
export async function knownLanes(queue: QueueUnderTest, lanes: readonly ModelLane[]) {
  const ids = await queue.lanes.ensure(
    queue.postgres,
    lanes.map((lane) => laneFacts(queue, lane)),
  )
  return await selectLanes(queue.postgres, ids)
}

export interface Observed {
  readonly jobs: readonly {
    readonly id: number
    readonly state: JobState
    readonly attempt: number
    readonly path: readonly string[]
  }[]
  readonly used: Readonly<Record<string, number>>
}

export async function observe({ postgres, accountId }: QueueUnderTest): Promise<Observed> {
  const jobs = await postgres.query<Observed['jobs'][number]>(
    sql`
    select j.id, ${jobState} as state, coalesce(r.attempt, w.attempt, h.attempt, 0) as attempt,
           array (select from_state || '>' || to_state || ' ' || attempt || coalesce(' since ' || acquired_from, '')
                    from job_history where job_id = j.id order by id) as path
      from ${jobSources}
     where j.account_id = ${accountId}
     order by j.id`.prepared('observe'),
  )
  const limits = await postgres.query<{ key: string; used: number }>(sql`select key, used from job_limits order by key`)
  return { jobs, used: Object.fromEntries(limits.map(({ key, used }) => [key, used])) }
}
