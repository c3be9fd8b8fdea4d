import type { JobState } from '../jobs.ts'

/** What the queue is to be, in as few words as possible: nothing here knows of rows, locks or the table of transitions. */
export class QueueModel {
  readonly jobs: ModelJob[] = []
  readonly limits = new Map<string, ModelLimit>()
  /** Leases that do not hold any more. */
  readonly lost: { readonly jobId: number; readonly leaseToken: number }[] = []

  submit(job: Pick<ModelJob, 'id' | 'lane' | 'priority' | 'attemptsMax' | 'key' | 'runAtMinute' | 'isDue'>): void {
    const state = job.isDue ? 'queued' : 'delayed'
    this.jobs.push({ ...job, state, dueMinute: job.runAtMinute, attempt: 0, killed: false, path: [], lease: undefined })
  }

  inState(...states: JobState[]): ModelJob[] {
    return this.jobs.filter(({ state }) => states.includes(state))
  }

  /** The limits that count the jobs of the lane now, each with the weight of a job. */
  limitsOf({ slots }: ModelLane): { limit: ModelLimit; weight: number }[] {
    return Object.entries(slots).flatMap(([key, weight]) => {
      const limit = this.limits.get(key)
      return limit === undefined ? [] : [{ limit, weight }]
    })
  }

  /** The jobs that are next: the first that fit, where one that does not fit keeps back the later ones of its lane. */
  next(lanes: readonly ModelLane[], places: number): ModelJob[] {
    const closed = new Set<ModelLane>()
    const taken = new Map<ModelLimit, number>()
    const chosen: ModelJob[] = []
    for (const job of this.inState('queued').toSorted((a, b) => positionOf(a) - positionOf(b) || a.id - b.id)) {
      if (chosen.length === places || !lanes.includes(job.lane) || closed.has(job.lane)) continue
      const wants = this.limitsOf(job.lane)
      const fits = ({ limit, weight }: { limit: ModelLimit; weight: number }) =>
        !limit.paused && limit.used + (taken.get(limit) ?? 0) + weight <= limit.slots
      if (wants.every(fits)) {
        chosen.push(job)
        for (const { limit, weight } of wants) taken.set(limit, (taken.get(limit) ?? 0) + weight)
      } else {
        closed.add(job.lane)
      }
    }
    return chosen
  }

  acquire(job: ModelJob, leaseToken: number): void {
    const holds = this.limitsOf(job.lane)
    for (const { limit, weight } of holds) limit.used += weight
    job.lease = { token: leaseToken, from: job.state, holds }
    job.state = 'running'
    job.attempt++
  }

  end(job: ModelJob, event: EndEvent): void {
    const { lease } = job
    if (lease === undefined) throw new Error('only a running job ends')
    const to = stateAfterEnd(job, event)
    job.path.push(`running>${to} ${job.attempt} since ${lease.from}`)
    for (const { limit, weight } of lease.holds) limit.used -= weight
    this.lost.push({ jobId: job.id, leaseToken: lease.token })
    job.lease = undefined
    job.state = to
    if (to === 'queued') {
      job.attempt--
      job.dueMinute = job.runAtMinute
    }
    // A lease that ran out was waited for; other failures ask for an hour.
    job.isDue = event === 'lose'
  }

  /** To another state without an attempt. */
  move(job: ModelJob, to: JobState): void {
    job.path.push(`${job.state}>${to} ${job.attempt}`)
    job.state = to
  }
}

export type EndEvent = 'succeed' | 'fail' | 'fail_retryable' | 'lose' | 'hand_back' | 'obey_kill'

export interface ModelLane {
  /** Of which resources a job takes how many slots. */
  readonly resources: Readonly<Record<string, number>>
  /** The same for all keys of limits that may be. */
  readonly slots: Readonly<Record<string, number>>
}

interface ModelLimit {
  slots: number
  used: number
  paused: boolean
}

export interface ModelJob {
  readonly id: number
  readonly lane: ModelLane
  readonly priority: number
  readonly attemptsMax: number
  readonly key: string | undefined
  readonly runAtMinute: number
  state: JobState
  dueMinute: number
  /** Of one that waits: whether its time has come. */
  isDue: boolean
  attempt: number
  killed: boolean
  lease:
    | {
        readonly token: number
        readonly from: JobState
        readonly holds: readonly { readonly limit: ModelLimit; readonly weight: number }[]
      }
    | undefined
  /** As in the history. */
  readonly path: string[]
}

/** A step of priority is worth a quarter of an hour. */
const positionOf = ({ dueMinute, priority }: ModelJob) => dueMinute - 15 * priority

function stateAfterEnd({ attempt, attemptsMax, killed }: ModelJob, event: EndEvent): JobState {
  if (event === 'succeed') return 'success'
  if (event === 'fail') return 'error'
  if (event === 'obey_kill' || killed) return 'killed'
  if (event === 'hand_back') return 'queued'
  return attempt < attemptsMax ? 'retry_wait' : 'dead'
}
