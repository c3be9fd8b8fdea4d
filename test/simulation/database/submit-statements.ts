import type { Sql } from '../../../src/base/postgres/postgres.ts'
import { notify } from '../../../src/jobs/announcer.sql.ts'
import { insertLanes, selectLaneIds } from '../../../src/jobs/lanes.sql.ts'
import { insertJobs, selectJobsByKey } from '../../../src/jobs/submit.sql.ts'
import { positionOfDue } from '../../../src/jobs/position.sql.ts'
import { selectJob } from '../../../src/jobs/watch.sql.ts'
import type { StatementContext, StatementModels } from './statement-models.ts'
import { model } from './statement-models.ts'

type Texts = readonly string[]
type Numbers = readonly number[]

/** What those ask of PostgreSQL who submit jobs and watch them. */
export function modelSubmitStatements(models: StatementModels): void {
  modelLanes(models)
  model<InsertedJobs>(models, 'insertJobs', (db) => insertJobs(db, []), insert)
  model<[Sql, (number | null)[], Texts, Texts]>(
    models,
    'selectJobsByKey',
    (db) => selectJobsByKey(db, []),
    (context, [, accountIds, kinds, keys]) =>
      keys.flatMap((key, index) => {
        const { tx, rows } = context
        const id = tx.get(rows.jobKeys, jobKey(accountIds[index] ?? null, kinds[index] ?? '', key))
        return id === undefined ? [] : [shownJob(context, id, index + 1)]
      }),
  )
  model<[Sql, Sql, number, number | null]>(
    models,
    'selectJob',
    (db) => selectJob(db, 0, 0),
    (context, [, , id, accountId]) => {
      const job = context.tx.get(context.rows.jobs, id)
      return job === undefined || job.account_id !== accountId ? [] : [shownJob(context, id)]
    },
  )
  model<[string, string]>(
    models,
    'notify',
    (db) => notify(db, '', ''),
    ({ tx }, [channel, payload]) => {
      tx.notices.push({ channel, payload })
      return [{}]
    },
  )
}

function modelLanes(models: StatementModels): void {
  type LaneValues = [Texts, (number | null)[], Texts, Texts]
  const keysOf = (lanes: Sql): string[] => {
    const [kinds, accountIds, limitKeys, weights] = lanes.values as LaneValues
    return kinds.map((kind, index) => JSON.stringify([kind, accountIds[index], limitKeys[index], weights[index]]))
  }
  model<[Sql]>(
    models,
    'insertLanes',
    (db) => insertLanes(db, []),
    async ({ tx, rows }, [lanes]) => {
      for (const key of keysOf(lanes).toSorted()) {
        const id = rows.next('lanes')
        await tx.lock(rows.laneKeys, key, 'update')
        if (tx.get(rows.laneKeys, key) !== undefined) continue
        const [kind, accountId, limitKeys, weights] = JSON.parse(key) as [string, number | null, string, string]
        tx.put(rows.laneKeys, key, id)
        tx.put(rows.lanes, id, {
          id,
          kind,
          account_id: accountId,
          limit_keys: arrayOf(limitKeys),
          weights: arrayOf(weights).map(Number),
        })
      }
      return []
    },
  )
  model<[Sql]>(
    models,
    'selectLaneIds',
    (db) => selectLaneIds(db, []),
    ({ tx, rows }, [lanes]) =>
      keysOf(lanes).flatMap((key) => {
        const id = tx.get(rows.laneKeys, key)
        return id === undefined ? [] : [{ id }]
      }),
  )
}

/** Of an array as it travels in text. */
function arrayOf(text: string): string[] {
  return JSON.parse(`[${text.slice(1, -1)}]`) as string[]
}

const jobKey = (accountId: number | null, kind: string, key: string): string =>
  JSON.stringify([accountId ?? 0, kind, key])

type InsertedJobs = [
  laneIds: Numbers,
  accountIds: readonly (number | null)[],
  userIds: readonly (number | null)[],
  kinds: Texts,
  priorities: Numbers,
  uniqueKeys: readonly (string | null)[],
  domainKeys: unknown,
  runAts: readonly (Date | null)[],
  attemptsMax: Numbers,
  timeoutMs: readonly (number | null)[],
  actors: Texts,
  inputs: string,
]

async function insert({ tx, rows, now }: StatementContext, values: InsertedJobs): Promise<unknown[]> {
  const [laneIds, accountIds, userIds, kinds, priorities, uniqueKeys, , runAts, attemptsMax, timeoutMs] = values
  const inputs = JSON.parse(values[11]) as unknown[]
  const made: unknown[] = []
  for (const [index, laneId] of laneIds.entries()) {
    const id = rows.next('jobs')
    const accountId = accountIds[index] ?? null
    const kind = kinds[index] ?? ''
    const uniqueKey = uniqueKeys[index] ?? null
    if (uniqueKey !== null) {
      const key = jobKey(accountId, kind, uniqueKey)
      await tx.lock(rows.jobKeys, key, 'update')
      if (tx.get(rows.jobKeys, key) !== undefined) continue
      tx.put(rows.jobKeys, key, id)
    }
    const priority = priorities[index] ?? 0
    const dueAt = runAts[index] ?? now
    tx.put(rows.jobs, id, {
      id,
      lane_id: laneId,
      account_id: accountId,
      user_id: userIds[index] ?? null,
      kind,
      priority,
      unique_key: uniqueKey,
      input: inputs[index],
      run_at: dueAt,
      attempts_max: attemptsMax[index] ?? 1,
      timeout_ms: timeoutMs[index] ?? null,
      created_at: now,
    })
    const state = dueAt > now ? 'delayed' : 'queued'
    const position = positionOfDue(dueAt, priority)
    tx.put(rows.waiting, id, {
      job_id: id,
      lane_id: laneId,
      account_id: accountId,
      state,
      due_at: dueAt,
      position,
      attempt: 0,
    })
    made.push({ id, created_at: now, place: index + 1 })
  }
  return made
}

/** As `jobColumns` of `jobSources`. Written out: a spread of so many members takes Node 20 longer than all else here. */
function shownJob({ tx, rows }: StatementContext, id: number, place?: number): Record<string, unknown> {
  const job = tx.get(rows.jobs, id)
  const running = tx.get(rows.running, id)
  const waiting = tx.get(rows.waiting, id)
  const history = tx.get(rows.history, id) ?? []
  const last = history.at(-1)
  const ended = running === undefined && waiting === undefined ? last : undefined
  const begun = history.map(({ acquired_at: at }) => at).filter((at) => at !== null)
  return {
    place,
    id,
    lane_id: job?.lane_id,
    account_id: job?.account_id,
    user_id: job?.user_id,
    kind: job?.kind,
    priority: job?.priority,
    unique_key: job?.unique_key,
    input: job?.input,
    attempts_max: job?.attempts_max,
    timeout_ms: job?.timeout_ms,
    created_at: job?.created_at,
    state: running !== undefined ? 'running' : (waiting?.state ?? last?.to_state),
    progress: running !== undefined ? running.progress : (last?.progress ?? null),
    output: ended?.output ?? null,
    error: ended?.to_state === 'success' ? null : (history.findLast(({ error }) => error !== null)?.error ?? null),
    attempt: running?.attempt ?? waiting?.attempt ?? last?.attempt ?? 0,
    kill_requested_at: null,
    started_at: running?.acquired_at ?? begun.at(-1) ?? null,
    finished_at: ended?.at ?? null,
    run_at: waiting?.due_at ?? job?.run_at,
  }
}
