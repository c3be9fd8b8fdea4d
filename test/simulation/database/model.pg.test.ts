import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { systemClock } from '../../../src/base/clock.ts'
import { must } from '../../../src/base/errors.ts'
import { sql } from '../../../src/base/postgres/postgres.ts'
import { systemRandomness, uuidv7 } from '../../../src/base/randomness.ts'
import { openTestDatabase } from '../../support/postgres.ts'
import type { TestDatabase } from '../../support/postgres.ts'
import { Timeline } from '../timeline.ts'
import { emptyTable } from '../world/empty-table.ts'
import { accountId, Side } from './both-sides.ts'
import { directPostgres } from './direct-postgres.ts'
import { allStatementModels, ModelServer } from './server.ts'

/** Of whole histories; more: BIWA_TEST_MODEL_RUNS=10000. */
const runs = Number(process.env['BIWA_TEST_MODEL_RUNS'] ?? 6)

let database: TestDatabase
let tableId: number

beforeAll(async () => {
  database = await openTestDatabase(3)
  const { postgres } = database
  await postgres.query(sql`insert into accounts (name) values ('one')`)
  const rows = await postgres.query<{ id: number }>(sql`
    with d as (insert into databases (account_id, name) values (${accountId}, 'd') returning id)
    insert into tables (account_id, database_id, name, next_field_id, history_hours)
    select ${accountId}, id, 't', 6, 0 from d returning id`)
  tableId = must(rows[0], 'the table was made').id
})
afterAll(() => database.close())

/** The same history begins anew, with the same numbers to come. */
async function forget(): Promise<void> {
  const { postgres } = database
  await postgres.query(sql`
    truncate chunks, removed_chunks, applied_ids, applied_places, snapshots, arrivals, object_removals, merge_requests, jobs,
             job_waiting, job_running, job_history, job_lanes restart identity cascade`)
  await postgres.query(sql`alter sequence job_lease_tokens restart`)
  await postgres.query(sql`
    update tables set snapshot = 0, rows = 0, bytes = 0, chunks = 0, realtime_chunks = 0, oldest_snapshot = 0`)
}

function modelled(): Side {
  const timeline = new Timeline(0)
  Object.defineProperty(timeline, 'nowMs', { get: () => Date.now() })
  const server = new ModelServer({
    timeline,
    models: allStatementModels(),
    onUnknown: () => {},
    onCommit: () => {},
    onAnswer: () => {},
    noticeDelayMs: () => undefined,
  })
  server.rows.tables.rows.set(tableId, emptyTable(tableId, accountId))
  return new Side(directPostgres(server, 'a test'), tableId)
}

const files = Array.from({ length: 100 }, () => uuidv7(systemClock, systemRandomness))

const index = fc.nat({ max: 9 })
const uniqueIds = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 3 })
/** Ranges that are apart from each other, and touch those of other commits. */
const ranges = fc
  .uniqueArray(fc.nat({ max: 12 }), { minLength: 2, maxLength: 6 })
  .map((drawn) => drawn.toSorted((a, b) => a - b))
  .map((ends) => ends.slice(1).flatMap((to, at) => (at % 2 === 0 ? [[ends[at] ?? 0, to] as const] : [])))
const places = fc.tuple(fc.constantFrom('s1', 's2'), ranges)
const keys = fc.array(fc.constantFrom('k1', 'k2', 'k3', undefined), { minLength: 1, maxLength: 4 })

/** A step that both sides take; `take` gives it so many new files. */
type Step = (side: Side, take: (count: number) => string[]) => Promise<unknown>

const steps = <T>(drawn: fc.Arbitrary<T>, step: (drawn: T) => Step): fc.Arbitrary<Step> => drawn.map(step)
const maybe = fc.option(index, { nil: undefined })

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  steps(
    fc.tuple(keys, fc.boolean()),
    ([given, isLater]) =>
      (side) =>
        side.submit(given, isLater),
  ),
  steps(fc.tuple(fc.array(index, { maxLength: 3 }), fc.nat({ max: 3 }), fc.boolean()), ([ends, count, isBrief]) => {
    return (side) => side.takeTurn(ends, count, isBrief)
  }),
  steps(fc.tuple(index, fc.constantFrom('fail', 'hand back', 'succeed')), ([at, event]) => (side) => {
    return side.settle(at, event)
  }),
  steps(fc.nat(), () => (side) => side.settleExpired()),
  steps(fc.array(index, { minLength: 1, maxLength: 4 }), (indices) => (side) => side.extend(indices)),
  steps(fc.nat(), () => (side) => side.promote()),
  steps(fc.tuple(uniqueIds, fc.nat({ max: 2 }), maybe), ([ids, count, fence]) => (side, take) => {
    return side.commit({ ids, files: take(count), removed: [], fence, isMerge: false })
  }),
  steps(fc.tuple(fc.option(uniqueIds, { nil: [] }), places), ([ids, [segment, drawn]]) => (side, take) => {
    return side.commit({ ids, places: [segment, drawn], files: take(1), removed: [], fence: undefined, isMerge: false })
  }),
  steps(fc.tuple(fc.subarray(files.slice(0, 6), { minLength: 1, maxLength: 2 }), maybe), ([removed, fence]) => {
    return (side, take) => side.commit({ ids: [], files: take(1), removed, fence, isMerge: true })
  }),
  steps(fc.constantFrom('find', 'note', 'end', 'reopen'), (what) => (side) => side.request(what)),
  steps(fc.subarray(files.slice(0, 6), { maxLength: 3 }), (ids) => (side) => side.archive(ids)),
  steps(fc.boolean(), (isLate) => (side) => side.sweep(isLate, files)),
)

/** Takes the steps on both sides, and compares the answers and what is there after each. */
async function compare(history: readonly Step[]): Promise<void> {
  await forget()
  const [real, model] = [new Side(database.postgres, tableId), modelled()]
  let used = 0
  for (const [number, step] of history.entries()) {
    const answers: unknown[] = []
    const from = used
    for (const side of [real, model]) {
      used = from
      answers.push(await step(side, (count) => files.slice(used, (used += count))))
    }
    expect([number, answers[1]]).toEqual([number, answers[0]])
    expect(await model.lookAtJobs()).toEqual(await real.lookAtJobs())
    expect(await model.lookAtTable(number % 4)).toEqual(await real.lookAtTable(number % 4))
    // What happens in one millisecond has no order in the model.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

test('the model of PostgreSQL answers as PostgreSQL does', { timeout: 600_000 }, async () => {
  const histories = fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 50, size: 'max' }), compare)
  await fc.assert(histories, { numRuns: runs, endOnFailure: true })
})
