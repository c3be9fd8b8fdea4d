import type { Sql } from '../../../src/base/postgres/postgres.ts'
import { finishAndAcquire } from '../../../src/jobs/acquire.sql.ts'
import { countRunning, selectActiveLanes, selectLanes } from '../../../src/jobs/active-lanes.sql.ts'
import { extendLeases } from '../../../src/jobs/heartbeat.sql.ts'
import type { JobState } from '../../../src/jobs/jobs.ts'
import { positionOfDue } from '../../../src/jobs/position.sql.ts'
import { promoteDue } from '../../../src/jobs/promote.sql.ts'
import { lockExpired, lockLease, settleLease } from '../../../src/jobs/settle.sql.ts'
import type { HistoryRecord, JobRecord, LaneRecord, RunningRecord, WaitingRecord } from './rows.ts'
import type { StatementContext, StatementModels } from './statement-models.ts'
import { model } from './statement-models.ts'

type Numbers = readonly number[]
type JsonTexts = readonly (string | null)[]

const lease = { owner: '', ms: 0 }
const settlement = {
  to: 'success',
  output: null,
  error: null,
  fingerprint: null,
  progress: null,
  delayMs: 0,
  attemptCounts: true,
  actor: '',
  reason: '',
} as const

/** What workers ask of PostgreSQL: leases are taken, extended, ended and lost. */
export function modelLeaseStatements(models: StatementModels): void {
  model<TurnValues>(models, 'finishAndAcquire', (db) => finishAndAcquire(db, [], [], lease), takeTurn)
  modelLanesOfWorkers(models)
  modelSettling(models)
  model<[number, Numbers, Numbers, JsonTexts]>(
    models,
    'extendLeases',
    (db) => extendLeases(db, [], 0),
    async ({ tx, rows, now }, [leaseMs, jobIds, tokens, progress]) => {
      const extended: unknown[] = []
      for (const [index, jobId] of jobIds.entries()) {
        if (tx.get(rows.running, jobId)?.lease_token !== tokens[index]) continue
        await tx.lock(rows.running, jobId, 'no key update')
        const row = tx.get(rows.running, jobId)
        if (row === undefined || row.lease_token !== tokens[index]) continue
        const said = jsonOf(progress[index])
        const until = new Date(now.getTime() + leaseMs)
        tx.put(rows.running, jobId, { ...row, lease_expires_at: until, progress: said ?? row.progress })
        extended.push({ leaseToken: row.lease_token, killRequested: false })
      }
      return extended
    },
  )
  model<[number, string, number, number]>(
    models,
    'promoteDue',
    (db) => promoteDue(db, { actor: '', limit: 0, horizonMs: 0 }),
    promote,
  )
}

/** Notes a change of a job. */
function note({ tx, rows }: StatementContext, jobId: number, change: HistoryRecord): void {
  tx.put(rows.history, jobId, [...(tx.get(rows.history, jobId) ?? []), change])
}

type Told = Pick<HistoryRecord, 'progress' | 'output' | 'error'>

function endOf(row: RunningRecord, to: JobState, now: Date, { progress, output, error }: Told): HistoryRecord {
  const { attempt, acquired_at } = row
  return { from_state: 'running', to_state: to, attempt, at: now, acquired_at, progress, output, error }
}

type TurnValues = [
  jobIds: Numbers,
  tokenRanges: string,
  owner: string,
  outputs: JsonTexts,
  progress: JsonTexts,
  telling: Numbers,
  taken: Sql,
  begun: Sql,
  columns: Sql,
  jobs: Sql,
  tokens: Numbers,
]

async function takeTurn(context: StatementContext, values: TurnValues): Promise<unknown[]> {
  const [jobIds, , , outputs, progress, telling, taken, begun, , , tokens] = values
  const done = new Set<number>()
  for (const [index, jobId] of jobIds.entries()) {
    const { tx, rows, now } = context
    if (!tokens.includes(tx.get(rows.running, jobId)?.lease_token ?? -1)) continue
    await tx.lock(rows.running, jobId, 'update')
    const row = tx.get(rows.running, jobId)
    if (row === undefined || row.lease_token !== tokens[index]) continue
    tx.delete(rows.running, jobId)
    const place = telling.indexOf(row.lease_token)
    const said = jsonOf(progress[place]) ?? row.progress
    note(context, jobId, endOf(row, 'success', now, { progress: said, output: jsonOf(outputs[place]), error: null }))
    done.add(row.lease_token)
  }
  const [candidates] = taken.values as [Sql]
  const [owner, leaseMs] = begun.values as [string, number]
  const acquired = acquire(context, candidates.values as [Numbers, Numbers, Numbers], owner, leaseMs)
  const lost = tokens.filter((token) => !done.has(token)).map((token) => ({ id: null, lease_token: token }))
  return [...acquired, ...lost]
}

function acquire(
  { tx, rows, now }: StatementContext,
  [laneIds, fromPositions, counts]: [Numbers, Numbers, Numbers],
  owner: string,
  leaseMs: number,
): unknown[] {
  const acquired: unknown[] = []
  for (const [index, laneId] of laneIds.entries()) {
    const free = tx
      .all(rows.waiting)
      .filter((row) => row.lane_id === laneId && row.state === 'queued' && row.position >= (fromPositions[index] ?? 0))
      .toSorted((a, b) => a.position - b.position || a.job_id - b.job_id)
    let left = counts[index] ?? 0
    for (const row of free) {
      if (left === 0) break
      if (!tx.tryLock(rows.waiting, row.job_id, 'update')) continue
      left -= 1
      tx.delete(rows.waiting, row.job_id)
      const token = rows.next('lease_tokens')
      const attempt = row.attempt + 1
      tx.put(rows.running, row.job_id, {
        lease_token: token,
        job_id: row.job_id,
        lane_id: row.lane_id,
        account_id: row.account_id,
        from_state: row.state,
        attempt,
        lease_owner: owner,
        lease_expires_at: new Date(now.getTime() + leaseMs),
        acquired_at: now,
        progress: null,
      })
      const job = tx.get(rows.jobs, row.job_id)
      if (job !== undefined) acquired.push(acquiredJob(job, row, token))
    }
  }
  return acquired
}

function acquiredJob(job: JobRecord, { position, lane_id, attempt }: WaitingRecord, token: number): unknown {
  return {
    position,
    lease_token: token,
    attempt: attempt + 1,
    id: job.id,
    lane_id,
    account_id: job.account_id,
    user_id: job.user_id,
    kind: job.kind,
    priority: job.priority,
    unique_key: job.unique_key,
    input: job.input,
    run_at: job.run_at,
    attempts_max: job.attempts_max,
    timeout_ms: job.timeout_ms,
    created_at: job.created_at,
  }
}

function modelLanesOfWorkers(models: StatementModels): void {
  const shown = ({ id, kind, account_id, limit_keys, weights }: LaneRecord, position?: number): object => ({
    id,
    kind,
    account_id,
    limit_keys,
    weights,
    limit_ids: [],
    position,
  })
  model<[Sql, Numbers]>(
    models,
    'selectLanes',
    (db) => selectLanes(db, []),
    ({ tx, rows }, [, ids]) =>
      ids.flatMap((id) => {
        const lane = tx.get(rows.lanes, id)
        return lane === undefined ? [] : [shown(lane)]
      }),
  )
  model<[Sql, readonly string[]]>(
    models,
    'selectActiveLanes',
    (db) => selectActiveLanes(db, []),
    ({ tx, rows }, [, kinds]) => {
      const first = new Map<number, number>()
      for (const { state, lane_id: laneId, position } of tx.all(rows.waiting)) {
        if (state === 'queued') first.set(laneId, Math.min(first.get(laneId) ?? Infinity, position))
      }
      return [...first].flatMap(([laneId, position]) => {
        const lane = tx.get(rows.lanes, laneId)
        return lane === undefined || !kinds.includes(lane.kind) ? [] : [shown(lane, position)]
      })
    },
  )
  model<[readonly string[]]>(
    models,
    'countRunning',
    (db) => countRunning(db, []),
    ({ tx, rows }, [kinds]) => {
      const counts = new Map<string, { kind: string; account_id: number | null; count: number }>()
      for (const { lane_id: laneId } of tx.all(rows.running)) {
        const lane = tx.get(rows.lanes, laneId)
        if (lane === undefined || !kinds.includes(lane.kind)) continue
        const key = `${lane.kind} ${lane.account_id}`
        const known = counts.get(key) ?? { kind: lane.kind, account_id: lane.account_id, count: 0 }
        counts.set(key, { ...known, count: known.count + 1 })
      }
      return [...counts.values()]
    },
  )
}

function modelSettling(models: StatementModels): void {
  const factsOf = ({ tx, rows }: StatementContext, row: RunningRecord): object => ({
    id: row.job_id,
    lease_token: row.lease_token,
    lease_owner: row.lease_owner,
    lane_id: row.lane_id,
    attempt: row.attempt,
    attempts_max: tx.get(rows.jobs, row.job_id)?.attempts_max,
    kill_requested: false,
    limit_ids: null,
    weights: null,
  })
  model<[Sql, number, number]>(
    models,
    'lockLease',
    (db) => lockLease(db, { jobId: 0, leaseToken: 0 }),
    async (context, [, leaseToken, jobId]) => {
      const { tx, rows } = context
      if (tx.get(rows.running, jobId)?.lease_token !== leaseToken) return []
      await tx.lock(rows.running, jobId, 'update')
      const row = tx.get(rows.running, jobId)
      return row?.lease_token === leaseToken ? [factsOf(context, row)] : []
    },
  )
  model<[Sql, number]>(
    models,
    'lockExpired',
    (db) => lockExpired(db, 0),
    (context, [, limit]) => {
      const { tx, rows, now } = context
      return tx
        .all(rows.running)
        .filter((row) => row.lease_expires_at < now)
        .toSorted((a, b) => a.lease_expires_at.getTime() - b.lease_expires_at.getTime())
        .filter(({ job_id: jobId }) => tx.tryLock(rows.running, jobId, 'update'))
        .slice(0, limit)
        .map((row) => factsOf(context, row))
    },
  )
  model<SettleValues>(models, 'settleLease', (db) => settleLease(db, { jobId: 0, leaseToken: 0 }, settlement), settle)
}

type SettleValues = [
  leaseToken: number,
  jobId: number,
  to: JobState,
  actor: string,
  reason: string,
  progress: string | null,
  output: string | null,
  error: string | null,
  fingerprint: string | null,
  asState: JobState,
  position: Sql,
  uncounted: number,
  byState: JobState,
  delayMs: number,
  waits: boolean,
]

function settle(context: StatementContext, values: SettleValues): unknown[] {
  const [leaseToken, jobId, to, , , progress, output, error, , , , uncounted, , delayMs, waits] = values
  const { tx, rows, now } = context
  const row = tx.get(rows.running, jobId)
  if (row?.lease_token !== leaseToken) return []
  tx.delete(rows.running, jobId)
  const told: Told = {
    progress: jsonOf(progress) ?? row.progress,
    output: jsonOf(output),
    error: jsonOf(error) as HistoryRecord['error'],
  }
  note(context, jobId, endOf(row, to, now, told))
  const job = tx.get(rows.jobs, jobId)
  if (!waits || job === undefined) return []
  const dueAt = to === 'queued' ? job.run_at : new Date(now.getTime() + delayMs)
  const position = positionOfDue(dueAt, job.priority)
  tx.put(rows.waiting, jobId, {
    job_id: jobId,
    lane_id: row.lane_id,
    account_id: row.account_id,
    state: to,
    due_at: dueAt,
    position,
    attempt: row.attempt - uncounted,
  })
  return [{ due_ms: dueAt.getTime() }]
}

function promote(context: StatementContext, [limit, , horizonMs]: [number, string, number, number]): unknown[] {
  const { tx, rows, now } = context
  const waiting = tx.all(rows.waiting).filter(({ state }) => state !== 'queued')
  const due = waiting
    .filter(({ due_at: dueAt }) => dueAt <= now)
    .toSorted((a, b) => a.due_at.getTime() - b.due_at.getTime())
    .filter(({ job_id: jobId }) => tx.tryLock(rows.waiting, jobId, 'no key update'))
    .slice(0, limit)
  for (const row of due) {
    tx.put(rows.waiting, row.job_id, { ...row, state: 'queued' })
    const change = { from_state: row.state, to_state: 'queued', attempt: row.attempt, at: now } as const
    note(context, row.job_id, { acquired_at: null, progress: null, output: null, error: null, ...change })
  }
  const later = waiting.map(({ due_at: dueAt }) => dueAt.getTime() - now.getTime()).filter((ms) => ms > 0)
  const laneIds = [...new Set(due.map(({ lane_id: laneId }) => laneId))]
  const nextMs = Math.min(horizonMs, ...later)
  return [{ promoted: due.length, lane_ids: laneIds.length === 0 ? null : laneIds, next_ms: nextMs }]
}

function jsonOf(text: string | null | undefined): unknown {
  return text === null || text === undefined ? null : (JSON.parse(text) as unknown)
}
