import assert from 'node:assert/strict'

import fc from 'fast-check'

import { must } from '../../base/errors.ts'
import type { ErrorRecord } from '../../base/errors.ts'
import { finishAndAcquire } from '../acquire.sql.ts'
import { acquireLimited } from '../admit.ts'
import { extendLeases } from '../heartbeat.sql.ts'
import { killJob } from '../kill.ts'
import { positionMin } from '../position.sql.ts'
import { promoteDue } from '../promote.sql.ts'
import { settleAttempt, settleExpired } from '../settle.ts'
import { submitJobs } from '../submit.ts'
import type { EndEvent, ModelJob, ModelLane, QueueModel } from './queue-model.ts'
import type { QueueUnderTest } from './queue-under-test.ts'
import {
  atMinute,
  knownLanes,
  laneFacts,
  leaseTerms,
  letBeDue,
  letLeaseRunOut,
  never,
  observe,
  owner,
} from './queue-under-test.ts'

type Command = fc.AsyncCommand<QueueModel, QueueUnderTest>
type Run = (model: QueueModel, queue: QueueUnderTest) => Promise<void>

/** A step that both take, after which both are the same. */
function command(name: string, details: unknown, run: Run): Command {
  return {
    check: () => true,
    async run(model, queue) {
      await run(model, queue)
      queue.done.set(name, (queue.done.get(name) ?? 0) + 1)
      const { jobs, used } = await observe(queue)
      assert.deepEqual(
        jobs,
        model.jobs.map(({ id, state, attempt, path }) => ({ id, state, attempt, path })),
      )
      assert.deepEqual(used, Object.fromEntries([...model.limits].map(([key, limit]) => [key, limit.used])))
    },
    toString: () => `${name} ${JSON.stringify(details)}`,
  }
}

/** A step for one of the jobs that are in such a state that it makes sense. */
function commandOfJob(
  name: string,
  details: unknown,
  pick: number,
  among: (model: QueueModel) => ModelJob[],
  run: (job: ModelJob, model: QueueModel, queue: QueueUnderTest) => Promise<void>,
): Command {
  const inner = command(name, { pick, details }, async (model, queue) => {
    const jobs = among(model)
    await run(must(jobs[pick % jobs.length], 'the check found one'), model, queue)
  })
  return { ...inner, check: (model) => among(model).length > 0 }
}

/** Three sorts of jobs: without resources, with one, and with two of different weights. */
function lanesOf({ accountId }: QueueUnderTest): ModelLane[] {
  return [{}, { r: 1 }, { r: 2, s: 1 }].map((resources: Record<string, number>) => ({
    resources,
    slots: {
      [`account:${accountId}`]: 1,
      ...Object.fromEntries(Object.entries(resources).map(([name, n]) => [`resource:${accountId}/${name}`, n])),
    },
  }))
}

/** Lanes are the same when they are equal: each queue has three of them. */
const lanesOfQueues = new WeakMap<QueueUnderTest, ModelLane[]>()

function knownTo(queue: QueueUnderTest): ModelLane[] {
  const lanes = lanesOfQueues.get(queue) ?? lanesOf(queue)
  lanesOfQueues.set(queue, lanes)
  return lanes
}

const minute = fc.nat(60)
const pick = fc.nat(1000)

const newJob = fc.record({
  lane: fc.nat(2),
  priority: fc.integer({ min: -2, max: 2 }),
  attemptsMax: fc.integer({ min: 1, max: 3 }),
  key: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom('a', 'b') }),
  runAt: fc.oneof({ weight: 4, arbitrary: minute }, { weight: 1, arbitrary: fc.constant(never) }),
})

const submit = fc.array(newJob, { minLength: 1, maxLength: 4 }).map((jobs) =>
  command('submit', jobs, async (model, queue) => {
    const wanted = jobs.map((job) => ({ ...job, lane: must(knownTo(queue)[job.lane], 'there are three') }))
    const { submitted } = await submitJobs(
      queue.postgres,
      queue.lanes,
      wanted.map(({ lane, priority, attemptsMax, key, runAt }) => ({
        ...laneFacts(queue, lane),
        input: null,
        priority,
        attemptsMax,
        runAt: atMinute(runAt),
        ...(key !== undefined && { uniqueKey: key }),
      })),
    )
    for (const [index, { runAt, ...more }] of wanted.entries()) {
      const { job, existing } = must(submitted[index], 'each is answered')
      const known = more.key === undefined ? undefined : model.jobs.find(({ key }) => key === more.key)
      assert.equal(existing, known !== undefined)
      if (known === undefined) model.submit({ ...more, id: job.id, runAtMinute: runAt, isDue: runAt !== never })
      else assert.deepEqual([job.id, job.state], [known.id, known.state])
    }
  }),
)

const passTime = fc.tuple(pick, minute).map(([which, at]) =>
  commandOfJob(
    'pass time',
    at,
    which,
    (model) => model.inState('delayed', 'retry_wait'),
    async (job, _, queue) => {
      await letBeDue(queue, job.id, at)
      job.isDue = true
      job.dueMinute = at
    },
  ),
)

const promote = fc.constant(
  command('promote', {}, async (model, queue) => {
    await promoteDue(queue.postgres, { actor: owner, limit: 1000, horizonMs: 1000 })
    for (const job of model.inState('delayed', 'retry_wait')) if (job.isDue) model.move(job, 'queued')
  }),
)

function begin(model: QueueModel, expected: readonly ModelJob[], rows: readonly { id: number; lease_token: number }[]) {
  const tokens = new Map(rows.map((row) => [row.id, row.lease_token]))
  assert.deepEqual(
    [...tokens.keys()].toSorted((a, b) => a - b),
    expected.map(({ id }) => id).toSorted((a, b) => a - b),
  )
  for (const job of expected) model.acquire(job, must(tokens.get(job.id), 'it was acquired'))
}

/** From one lane, as if nothing limited it; where something does, nothing may come of it. */
const acquireFree = fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 4 })).map(([index, count]) =>
  command('acquire free', { index, count }, async (model, queue) => {
    const lane = must(knownTo(queue)[index], 'there are three')
    const [known] = await knownLanes(queue, [lane])
    const wanted = [{ laneId: must(known, 'it was made').id, fromPosition: positionMin, count }]
    const rows = await finishAndAcquire(queue.postgres, [], wanted, leaseTerms)
    const expected = model.limitsOf(lane).length > 0 ? [] : model.next([lane], count)
    begin(
      model,
      expected,
      rows.filter((row) => row.id !== null),
    )
  }),
)

const acquireUnderLimits = fc.integer({ min: 1, max: 6 }).map((places) =>
  command('acquire under limits', { places }, async (model, queue) => {
    const lanes = knownTo(queue).filter((lane) => model.limitsOf(lane).length > 0)
    if (lanes.length === 0) return
    const turn = { order: 0, places }
    const known = await knownLanes(queue, lanes)
    const asked = known.map(({ id: laneId, limit_keys: limitKeys, weights }) => {
      return { laneId, limitKeys, weights, turn, fromPosition: positionMin, count: places }
    })
    const { rows } = await acquireLimited(queue.postgres, asked, leaseTerms)
    begin(model, model.next(lanes, places), rows)
  }),
)

const endEvents = ['succeed', 'fail', 'fail_retryable', 'hand_back', 'obey_kill'] as const

function outcomeOf(event: Exclude<EndEvent, 'lose'>) {
  const failure: ErrorRecord = { code: 'overloaded', message: 'It fails.', retryAfterSeconds: 3600 }
  return { event, output: null, error: event === 'succeed' || event === 'hand_back' ? null : failure, reason: event }
}

const end = fc.tuple(pick, fc.constantFrom(...endEvents)).map(([which, event]) =>
  commandOfJob(
    `end: ${event}`,
    {},
    which,
    (model) => model.inState('running'),
    async (job, model, queue) => {
      const leaseToken = must(job.lease, 'it runs').token
      const ended = { jobId: job.id, leaseToken, outcome: outcomeOf(event), progress: null }
      const state = await settleAttempt(queue.settling, ended)
      model.end(job, event)
      assert.equal(state, job.state)
    },
  ),
)

/** The fast way, for leases without slots. */
const succeedInBulk = fc.nat(3).map((count) =>
  command('succeed in bulk', { count }, async (model, queue) => {
    const jobs = model
      .inState('running')
      .filter(({ lease }) => lease?.holds.length === 0)
      .slice(0, count)
    const stale = model.lost.slice(-1)
    const leases = jobs.map((job) => ({ jobId: job.id, leaseToken: must(job.lease, 'it runs').token }))
    const successes = [...leases, ...stale]
    const rows = await finishAndAcquire(
      queue.postgres,
      successes.map((lease) => ({ ...lease, output: '1', progress: null })),
      [],
      leaseTerms,
    )
    assert.deepEqual(
      rows.map(({ id, lease_token: token }) => [id, token]),
      stale.map((one) => [null, one.leaseToken]),
    )
    for (const job of jobs) model.end(job, 'succeed')
  }),
)

const lose = fc.tuple(pick, minute).map(([which, at]) =>
  commandOfJob(
    'lose',
    at,
    which,
    (model) => model.inState('running'),
    async (job, model, queue) => {
      await letLeaseRunOut(queue, must(job.lease, 'it runs').token)
      assert.deepEqual(await settleExpired(queue.settling), [job.id])
      model.end(job, 'lose')
      await letBeDue(queue, job.id, at)
      job.dueMinute = at
    },
  ),
)

/** Whoever lost a lease can neither extend it nor end anything. */
const comeBackLate = fc.tuple(pick, fc.constantFrom(...endEvents)).map(([which, event]): Command => {
  const late = command(`come back late: ${event}`, { which }, async ({ lost }, queue) => {
    const lease = must(lost[which % lost.length], 'the check found one')
    assert.deepEqual(await extendLeases(queue.postgres, [{ ...lease, progress: null }], 1000), [])
    assert.equal(
      await settleAttempt(queue.settling, { ...lease, outcome: outcomeOf(event), progress: null }),
      undefined,
    )
  })
  return { ...late, check: ({ lost }) => lost.length > 0 }
})

const beat = fc.constant(
  command('beat', {}, async (model, queue) => {
    const jobs = model.inState('running')
    const leases = jobs.map(({ id, lease }) => ({ jobId: id, leaseToken: lease?.token ?? 0, progress: null }))
    const held = await extendLeases(queue.postgres, leases, leaseTerms.ms)
    assert.deepEqual(
      new Map(held.map(({ leaseToken, killRequested }) => [leaseToken, killRequested])),
      new Map(jobs.map(({ lease, killed }) => [lease?.token ?? 0, killed])),
    )
  }),
)

const kill = pick.map((which) =>
  commandOfJob(
    'kill',
    {},
    which,
    ({ jobs }) => jobs,
    async (job, model, queue) => {
      const before = await killJob(queue.settling, { accountId: queue.accountId, id: job.id }, 'user:1')
      const waits = ['queued', 'delayed', 'retry_wait'].includes(job.state)
      assert.equal(before, waits || job.state === 'running' ? job.state : undefined)
      if (waits) model.move(job, 'killed')
      if (job.state !== 'running' || job.killed) return
      job.killed = true
      model.move(job, 'running')
    },
  ),
)

const redrive = fc.tuple(fc.boolean(), minute).map(([dryRun, at]) =>
  command('redrive', { dryRun, at }, async (model, queue) => {
    const dead = model.inState('dead')
    const { accountId } = queue
    const { ids } = await queue.deadLetters.redrive({ accountId }, { dryRun, actor: 'user:1' })
    assert.deepEqual(
      ids,
      dead.map(({ id }) => id),
    )
    for (const job of dryRun ? [] : dead) {
      job.attempt = 0
      model.move(job, 'queued')
      job.dueMinute = at
      await letBeDue(queue, job.id, at)
    }
  }),
)

const limitNames = ['account', 'r', 's'] as const

const changeLimit = fc
  .tuple(
    fc.constantFrom(...limitNames),
    fc.oneof(
      { weight: 4, arbitrary: fc.nat(9) },
      { weight: 1, arbitrary: fc.constantFrom('pause', 'resume', 'remove') },
    ),
  )
  .map(([name, change]) =>
    command('change limit', { name, change }, async (model, { limits, accountId }) => {
      const key = name === 'account' ? `account:${accountId}` : `resource:${accountId}/${name}`
      const limit = model.limits.get(key)
      if (typeof change === 'number') {
        await limits.set(accountId, key, change)
        if (limit === undefined) model.limits.set(key, { slots: change, used: 0, paused: false })
        else limit.slots = change
      } else if (limit !== undefined && change === 'remove') {
        await limits.remove(accountId, key)
        model.limits.delete(key)
      } else if (limit !== undefined) {
        limit.paused = change === 'pause'
        await limits.pause(accountId, key, limit.paused ? new Date(Date.now() + 3_600_000) : null)
      }
    }),
  )

/** All that can happen; what happens more often is named more often. */
export const queueCommands: fc.Arbitrary<Command>[] = [
  submit,
  submit,
  submit,
  acquireFree,
  acquireFree,
  acquireFree,
  acquireUnderLimits,
  acquireUnderLimits,
  acquireUnderLimits,
  end,
  end,
  end,
  end,
  succeedInBulk,
  lose,
  comeBackLate,
  passTime,
  promote,
  beat,
  kill,
  redrive,
  changeLimit,
]
