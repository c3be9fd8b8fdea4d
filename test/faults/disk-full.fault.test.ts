import { randomBytes } from 'node:crypto'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { systemClock } from '../../src/base/clock.ts'
import { must } from '../../src/base/errors.ts'
import type { Job, JobState } from '../../src/jobs/jobs.ts'
import { mergeRules } from '../../src/store/merge/rules.ts'
import type { Parts } from '../support/parts.ts'
import { openParts } from '../support/parts.ts'
import type { SmallDisk } from '../support/small-disk.ts'
import { openSmallDisk } from '../support/small-disk.ts'

/** Nothing here can be shown without a disk that is really full. */
const probe = await openSmallDisk(1 << 20)
await probe?.close()

const mebibyte = 1 << 20

let disk: SmallDisk
let parts: Parts
beforeEach(async () => {
  disk = must(await openSmallDisk(192 * mebibyte), 'a small disk')
  parts = await openParts({ folder: disk.folder })
})
afterEach(async () => {
  await parts.close()
  await disk.close()
})

/** Records that do not get smaller in a Parquet file. */
const records = (count: number, bytesEach: number): unknown[] =>
  Array.from({ length: count }, (_, n) => ({
    time: 1_700_000_000 + n,
    n,
    noise: randomBytes(bytesEach).toString('hex'),
  }))

const full = {
  code: 'storage_full',
  message: expect.stringMatching(/disk .*full/) as string,
  hint: expect.stringMatching(/[Ff]ree space/) as string,
}

/** The newest job of the kind, once it is in the state. */
async function jobThatIs(kind: string, ...states: readonly JobState[]): Promise<Job> {
  for (;;) {
    const [job] = await parts.jobs.list({ accountId: parts.owner.accountId, kind, limit: 1 })
    if (job !== undefined && states.includes(job.state)) return job
    await systemClock.sleep(50)
  }
}

/** Sends a body as clients do: again, while it is refused. */
async function sendSurely(id: string, body: readonly unknown[]): Promise<void> {
  for (;;) {
    try {
      await parts.collect.accept(parts.request('log', id, body))
      return
    } catch (error) {
      expect(error).toMatchObject(full)
      await systemClock.sleep(100)
    }
  }
}

const countOf = async (table: string): Promise<number[]> =>
  ((await parts.rows(`select count(*), count(distinct n) from ${table}`))[0] ?? []).map(Number)

describe.skipIf(probe === undefined)('on a disk that is full', () => {
  test('the inbox refuses, keeps what it acknowledged, and takes bodies again when there is space', async () => {
    await parts.collect.accept(parts.request('log', 'before', records(10, 10)))
    await jobThatIs('import', 'success')
    await disk.fill(0)
    const refused: string[] = []
    const taken: string[] = []
    for (let index = 0; index < 40; index += 1) {
      const body = parts.request('log', `full-${index}`, records(100, 1000))
      try {
        await parts.collect.accept(body)
        taken.push(`full-${index}`)
      } catch (error) {
        expect(error).toMatchObject({ ...full, status: 507, retryable: true })
        refused.push(`full-${index}`)
      }
    }
    expect(refused.length).toBeGreaterThan(0)
    await disk.empty()
    // The client sends again what was refused, and to be sure what was not.
    for (const id of [...refused, ...taken.slice(0, 2)]) await sendSurely(id, records(100, 1000))
    const table = await parts.store.table(parts.owner.accountId, 'web', 'log')
    const ids = [...refused, ...taken, 'before']
    while ((await parts.store.appliedIds(table.accountId, table.id, ids)).length < ids.length)
      await systemClock.sleep(100)
    expect(await countOf('log')).toEqual([4010, 100])
  })

  test('an import waits in the middle of its conversion, and goes on by itself', async () => {
    const body = records(400, 500)
    // The segment of the inbox is there already; the conversion finds no room.
    await parts.collect.acceptAndWait(parts.request('log', 'first', records(1, 1)), 300_000)
    await disk.fill(100_000)
    await parts.collect.accept(parts.request('log', 'second', body))
    const waiting = await jobThatIs('import', 'retry_wait')
    expect(waiting.error).toMatchObject(full)
    expect(await countOf('log')).toEqual([1, 1])
    await disk.empty()
    await jobThatIs('import', 'success')
    expect(await countOf('log')).toEqual([401, 400])
    const [snapshot] = await parts.store.openSnapshot(parts.owner.accountId, [{ database: 'web', name: 'log' }])
    expect(snapshot?.chunkCount).toBe(2)
  })

  test('a query that writes leaves nothing behind, and is done when there is space', async () => {
    await parts.collect.acceptAndWait(parts.request('log', 'only', records(400, 500)), 300_000)
    await disk.fill(200_000)
    const copying = parts.run('create table copy as select * from log')
    expect(await jobThatIs('query', 'retry_wait')).toMatchObject({ error: full })
    const { accountId } = parts.owner
    await expect(parts.store.table(accountId, 'web', 'copy')).rejects.toMatchObject({ code: 'table_not_found' })
    // A small answer still has room: what the failed one wrote is gone.
    expect(await countOf('log')).toEqual([400, 400])
    await disk.empty()
    expect((await copying).state).toBe('success')
    expect(await countOf('copy')).toEqual([400, 400])
  })

  test('a query that spills into a full disk says so, and is done when there is space', async () => {
    await parts.collect.acceptAndWait(parts.request('log', 'seed', records(1, 1)), 300_000)
    const many = 'select unnest(range(1500000)) as n from log'
    const made = await parts.run(`create table numbers as select n, md5(n::varchar) as word from (${many})`)
    expect(made).toMatchObject({ state: 'success' })
    await disk.fill(mebibyte)
    const sorting = parts.run('select count(*) from (select row_number() over (order by word, n desc) from numbers)')
    expect(await jobThatIs('query', 'retry_wait')).toMatchObject({ error: full })
    await disk.empty()
    expect((await sorting).state).toBe('success')
  })

  test('a merge leaves all as it is, and is done when there is space', async () => {
    for (let index = 0; index < mergeRules.fanIn; index += 1) {
      await parts.collect.acceptAndWait(parts.request('log', `body-${index}`, records(100, 500)), 300_000)
    }
    await disk.fill(200_000)
    await parts.merge()
    expect(await jobThatIs('merge', 'retry_wait')).toMatchObject({ error: full })
    expect(await countOf('log')).toEqual([100 * mergeRules.fanIn, 100])
    await disk.empty()
    await jobThatIs('merge', 'success')
    expect(await countOf('log')).toEqual([100 * mergeRules.fanIn, 100])
    const [snapshot] = await parts.store.openSnapshot(parts.owner.accountId, [{ database: 'web', name: 'log' }])
    expect(snapshot?.chunkCount).toBe(1)
  })
})
