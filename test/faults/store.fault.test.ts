import { afterEach, describe, expect, test } from 'vitest'

import { systemClock } from '../../src/base/clock.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { isAppError } from '../../src/base/errors.ts'
import type { ErrorRecord } from '../../src/base/errors.ts'
import { openLog } from '../../src/base/log.ts'
import { steadyStore } from '../../src/base/objects/steady-store.ts'
import type { FaultRates } from '../../src/base/objects/testing/faulty-store.ts'
import { FaultyStore } from '../../src/base/objects/testing/faulty-store.ts'
import { seededRandomness, wholeNumber } from '../../src/jobs/testing/seeded-randomness.ts'
import type { Randomness } from '../../src/base/randomness.ts'
import { systemRandomness } from '../../src/base/randomness.ts'
import type { ImportRequest } from '../../src/collect/collect.ts'
import type { QueryOutput } from '../../src/process/process.ts'
import { readResult } from '../support/read-result.ts'
import type { Parts } from '../support/parts.ts'
import { openParts } from '../support/parts.ts'

/** A few seeds in CI; more: BIWA_TEST_STORE_SEEDS=200, from BIWA_TEST_STORE_FIRST_SEED on. */
const seeds = Number(process.env['BIWA_TEST_STORE_SEEDS'] ?? 4)
const firstSeed = Number(process.env['BIWA_TEST_STORE_FIRST_SEED'] ?? 1)

/** A store of which a third of all calls go wrong in some way. */
const rates: FaultRates = { refused: 0.08, unanswered: 0.08, stalled: 0.02, truncated: 0.08, slow: 0.1, late: 0.05 }

/** How long a call may be silent here, and how long anything may take that waits for such calls. */
const silenceMsMax = 300

const columns = [
  { name: 'body', type: { kind: 'varchar' } },
  { name: 'n', type: { kind: 'bigint' } },
  { name: 'of', type: { kind: 'bigint' } },
] as const

const bodiesEach = 25
const senders = 4

/** What may be said of a store that fails. */
const fitting = new Set(['object_store_unavailable', 'object_not_found', 'object_damaged'])

let parts: Parts | undefined
afterEach(async () => {
  await parts?.close()
  parts = undefined
})

async function openOverFaults(seed: number): Promise<{ parts: Parts; faulty: FaultyStore }> {
  let faulty!: FaultyStore
  parts = await openParts({
    inbox: 'objects',
    objects(driver) {
      faulty = new FaultyStore(driver, { rates, randomness: seededRandomness(seed), clock: systemClock })
      return steadyStore(faulty, {
        disk: systemDisk,
        clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) },
        randomness: systemRandomness,
        log: openLog('silent'),
        silenceMsMax,
        attemptsMax: 4,
      })
    },
  })
  return { parts, faulty }
}

/** Sends a body until it is acknowledged, as clients do: with the same id. */
async function sendSurely({ collect }: Parts, request: ImportRequest): Promise<void> {
  for (;;) {
    try {
      await collect.accept(request)
      return
    } catch (error) {
      if (!isAppError(error) || !error.retryable) throw error
      expectClear(error.toRecord())
    }
  }
}

function expectClear(error: ErrorRecord | null): void {
  expect(error).not.toBeNull()
  expect([...fitting]).toContain(error?.code)
  expect(error?.message).toMatch(/object|store/)
  expect(error?.hint ?? '').not.toBe('')
}

/** The digest makes the answer too large to lie with its job: it has to go to the store, and come back. */
const bodiesSql = (table: string) =>
  `select body, count(*), count(distinct n), min(of), string_agg(md5(body || n), '') from ${table} group by body order by body`

/** Every body as a whole or not at all, and each once. */
function expectWhole(rows: readonly unknown[][]): void {
  for (const [body, count, distinct, of] of rows) {
    expect([body, Number(count), Number(distinct)]).toEqual([body, Number(of), Number(of)])
  }
}

describe('over an object store that fails', () => {
  const cases = Array.from({ length: seeds }, (_, index) => firstSeed + index)
  test.each(cases)('nothing is lost, nothing comes twice, and nothing hangs (seed %d)', async (seed) => {
    const { parts: own, faulty } = await openOverFaults(seed)
    const randomness = seededRandomness(seed * 1000)
    const expected = new Map<string, number>()
    // How many calls there are is a matter of how busy the machine is, and so is which faults have struck after so many bodies.
    const isSpared = (): boolean => Object.values(faulty.counts).includes(0)
    const send = async (sender: number): Promise<void> => {
      for (let index = 0; index < bodiesEach || isSpared(); index += 1) {
        const body = `${sender}-${index}`
        const of = wholeNumber(randomness, 1, 40)
        const records = Array.from({ length: of }, (_, n) => ({ time: 1_700_000_000 + n * 600, body, n, of }))
        expected.set(body, of)
        await sendSurely(own, own.request('log', body, records))
        // Some clients did not hear the acknowledgement.
        if (randomness.fraction() < 0.2) await sendSurely(own, own.request('log', body, records))
      }
    }
    await own.store.createTable(own.owner.accountId, 'web', 'log', { columns })
    let isDone = false
    const sendAll = async (): Promise<void> => {
      await Promise.all(Array.from({ length: senders }, (_, sender) => send(sender)))
      await allApplied(own, [...expected.keys()])
      isDone = true
    }
    await Promise.all([
      sendAll(),
      queryMeanwhile(own, () => isDone),
      copyMeanwhile(own, randomness, () => isDone),
      mergeMeanwhile(own, () => isDone),
    ])

    faulty.quiet()
    const rows = await own.rows(bodiesSql('log'))
    expect(new Map(rows.map(([body, count]) => [body, Number(count)]))).toEqual(expected)
    expectWhole(rows)
    expect(await own.store.listQuarantine(own.owner.accountId, 'web', 'log', { limit: 1 })).toEqual([])
    for (const count of Object.values(faulty.counts)) expect(count).toBeGreaterThan(0)
  })
})

/** While rows arrive, queries see whole bodies, or fail with what happened. */
async function queryMeanwhile(own: Parts, isDone: () => boolean): Promise<void> {
  while (!isDone()) expectWhole(await rowsUnlessFailed(own, bodiesSql('log')))
}

/** Tables come, change and go: a statement that succeeded has done all that it says, and one that failed nothing. */
async function copyMeanwhile(own: Parts, randomness: Randomness, isDone: () => boolean): Promise<void> {
  for (let round = 0; !isDone(); round += 1) {
    const table = `copy_${round}`
    const figures = `select count(*) % 2, count(*) filter (where n % 3 = 0) from ${table}`
    if (await succeeds(own, `create table ${table} as select * from log where n < 1000`)) {
      const isDoubled = await succeeds(own, `insert into ${table} select * from ${table}`)
      const isCut = await succeeds(own, `delete from ${table} where n % 3 = 0`)
      const [[odd, thirds] = []] = await rowsUnlessFailed(own, figures)
      if (odd !== undefined && isDoubled) expect(Number(odd)).toBe(0)
      if (thirds !== undefined && isCut) expect(Number(thirds)).toBe(0)
    }
    if (randomness.fraction() < 0.5) await succeeds(own, `drop table if exists ${table}`)
    await own.store.sweep().catch((error: unknown) => expect(isAppError(error, 'object_store_unavailable')).toBe(true))
  }
}

async function succeeds(own: Parts, statement: string): Promise<boolean> {
  const job = await own.run(statement)
  if (job.state !== 'success') expectClear(job.error)
  return job.state === 'success'
}

/** Nothing where the query fails, or its answer cannot be read. */
async function rowsUnlessFailed(own: Parts, query: string): Promise<unknown[][]> {
  const job = await own.run(query)
  if (job.state !== 'success') {
    expectClear(job.error)
    return []
  }
  return await readResult(own.objects, job.output as QueryOutput).catch(() => [])
}

/** The chunks of the bodies are merged while more arrive. */
async function mergeMeanwhile(own: Parts, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await own.merge()
    await systemClock.sleep(200)
  }
  // What is still due is merged while the store fails, too.
  while ((await own.merge()) > 0) await systemClock.sleep(100)
  const merges = await own.jobs.list({ accountId: own.owner.accountId, kind: 'merge', limit: 1000 })
  for (const { state, error } of merges) if (state === 'error' || state === 'dead') expectClear(error)
}

async function allApplied(own: Parts, ids: readonly string[]): Promise<void> {
  const { accountId } = own.owner
  const { id } = await own.store.table(accountId, 'web', 'log')
  for (;;) {
    if ((await own.store.appliedIds(accountId, id, ids)).length === ids.length) return
    await systemClock.sleep(100)
  }
}
