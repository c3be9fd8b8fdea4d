import { afterAll, beforeAll, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Fired, Gate } from './gates.ts'
import { arrive, missingInputs } from './gates.ts'
import type { JobsBench } from './testing/jobs-bench.ts'
import { openJobsBench } from './testing/jobs-bench.ts'
import { seededRandomness } from './testing/seeded-randomness.ts'

const connections = 40
const gates = 400
const inputs = ['clicks', 'items', 'orders', 'prices', 'users']
const deliveries = 3

let database: TestDatabase
let bench: JobsBench

beforeAll(async () => {
  database = await openTestDatabase(connections)
  bench = await openJobsBench(database.postgres)
})
afterAll(async () => {
  await bench.stop()
  await database.close()
})

const gateOf = (key: string): Gate => ({
  accountId: bench.accountId,
  key,
  wanted: inputs,
  job: { kind: 'work', input: { key } },
})

const arriveAt = (key: string, input: string): Promise<Fired | undefined> =>
  database.postgres.transaction((tx) => arrive(tx, gateOf(key), input))

test('a gate waits for all of its inputs, fires once, and says what it waits for', async () => {
  expect(await missingInputs(database.postgres, bench.accountId, 'one')).toBeUndefined()
  for (const input of ['users', 'clicks', 'users', 'prices', 'items', 'something else']) {
    expect(await arriveAt('one', input)).toBeUndefined()
  }
  expect(await missingInputs(database.postgres, bench.accountId, 'one')).toEqual(['orders'])
  const fired = await arriveAt('one', 'orders')
  expect(fired?.job).toMatchObject({ state: 'queued', input: { key: 'one' }, accountId: bench.accountId })
  expect(fired?.ready.size).toBe(1)
  expect(await arriveAt('one', 'orders')).toBeUndefined()
  expect(await missingInputs(database.postgres, bench.accountId, 'one')).toEqual([])
})

test('an arrival whose transaction comes to nothing has not arrived, nor has its job', async () => {
  for (const input of inputs.slice(1)) await arriveAt('undone', input)
  const undone = database.postgres.transaction(async (tx) => {
    expect(await arrive(tx, gateOf('undone'), 'clicks')).toBeDefined()
    throw new Error('the commit is not to be')
  })
  await expect(undone).rejects.toThrow('not to be')
  expect(await missingInputs(database.postgres, bench.accountId, 'undone')).toEqual(['clicks'])
  expect(await arriveAt('undone', 'clicks')).toBeDefined()
})

test(`${gates} gates of ${inputs.length} inputs, each delivered ${deliveries} times over ${connections} connections, fire once each`, async () => {
  // Siblings are delivered side by side, where "insert, then count" misses most gates.
  const randomness = seededRandomness(1)
  const arrivals = Array.from({ length: gates }, (_, gate) =>
    inputs
      .flatMap((input) =>
        Array.from({ length: deliveries }, () => ({ key: `race ${gate}`, input, place: randomness.fraction() })),
      )
      .toSorted((a, b) => a.place - b.place),
  ).flat()
  const fired: Fired[] = []
  const deliver = async () => {
    for (let next = arrivals.shift(); next !== undefined; next = arrivals.shift()) {
      const one = await arriveAt(next.key, next.input)
      if (one !== undefined) fired.push(one)
    }
  }
  await Promise.all(Array.from({ length: connections }, deliver))
  expect(fired.length).toBe(gates)
  const [counts] = await database.postgres.query(sql`
    select (select count(*)::integer from job_gates where key like 'race %' and job_id is not null) as fired,
           (select count(*)::integer from jobs where input ->> 'key' like 'race %') as jobs,
           (select count(distinct input ->> 'key')::integer from jobs where input ->> 'key' like 'race %') as keys,
           (select count(*)::integer from job_waiting join jobs on id = job_id and input ->> 'key' like 'race %') as waiting`)
  expect(counts).toEqual({ fired: gates, jobs: gates, keys: gates, waiting: gates })
})
