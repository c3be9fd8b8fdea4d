import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openAccess } from '../../access/open-access.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { inProcessEngines } from '../../base/engines/testing/in-process-engines.ts'
import { isAppError, must } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Attempt, Job } from '../../jobs/jobs.ts'
import { queryEngineHandlers } from '../../process/engines/duckdb/handlers.ts'
import { openQueryBench } from '../../process/testing/query-bench.ts'
import type { Answer, QueryBench } from '../../process/testing/query-bench.ts'
import type { Delivery } from '../deliver.ts'
import { givenResult } from '../stored-result.ts'
import { exportTask } from './export-input.ts'
import type { ExportParts, ExportSource } from './export-result.ts'
import { exportResult } from './export-result.ts'
import { exportHandler } from './export-task.ts'

let bench: QueryBench
let parts: ExportParts

beforeAll(async () => {
  const engines = inProcessEngines({ ...queryEngineHandlers(systemClock), [exportTask]: exportHandler() })
  bench = await openQueryBench(engines)
  const { postgres, store, objects, folder } = bench
  const ports = { postgres, clock: systemClock, randomness: systemRandomness, log: openLog('silent') }
  parts = {
    access: openAccess(ports),
    store,
    objects,
    engines,
    disk: systemDisk,
    scratchDirectory: join(folder, 'exports'),
    limits: { memoryBytes: 200e6, residentBytesMax: 1e9, outputBytesMax: 1e9, timeoutMs: 60_000 },
  }
})
afterAll(async () => {
  await parts.access.stop()
  await bench.close()
})

/** The attempt whose lease the query left behind. */
async function attemptOf({ jobId }: Answer): Promise<Attempt> {
  const rows = await bench.postgres.query<{ lease_token: number }>(
    sql`select lease_token from job_running where job_id = ${jobId}`,
  )
  const { lease_token: leaseToken } = must(rows[0], 'the lease')
  return { job: { id: jobId } as Job, leaseToken, signal: new AbortController().signal, progress: () => {} }
}

const delivery = (table: string, mode: Delivery['mode']): Delivery => ({
  database: 'web',
  table,
  mode,
  principal: bench.owner,
  shownAs: '',
})

/** Runs the query and puts its result into the table. */
async function exported(text: string, target: Delivery): Promise<Answer> {
  const answer = await bench.query(text)
  await again(answer, target)
  return answer
}

/** As deliver finds it, with a time for the rows. */
const sourceOf = (answer: Answer): ExportSource => ({
  ...must(givenResult(answer), 'the query has rows'),
  defaultTime: 77,
})

async function again(answer: Answer, target: Delivery): Promise<{ rows: number }> {
  return await exportResult(parts, await attemptOf(answer), sourceOf(answer), target)
}

const values = async (text: string) => (await bench.query(text)).values

const failure = async (what: Promise<unknown>) => {
  const error = await what.catch((reason: unknown) => reason)
  if (!isAppError(error)) throw new Error('it should have failed as expected', { cause: error })
  return error
}

describe('an export', () => {
  test('makes a table, with all types, and rows without a time get that of the query', async () => {
    const text = `select 1 as n, 1.5::decimal(5,2) as d, 'ü' as s, [1, 2] as l, {'a': 'b'} as r, date '2024-02-03' as day, true as yes, 2.5::double as f`
    await exported(text, delivery('made', 'append'))
    expect(await values('select time, n, d, s, l, r, day, yes, f from made')).toEqual([
      ['77', '1', '1.50', 'ü', ['1', '2'], { a: 'b' }, '2024-02-03', true, 2.5],
    ])
  })

  test('is there once, however often it is tried', async () => {
    const answer = await exported('select 1 as n union all select 2', delivery('once', 'append'))
    expect(await again(answer, delivery('once', 'append'))).toEqual({ rows: 2 })
    expect(await values('select count(*) from once')).toEqual([['2']])
    await exported('select 3 as n', delivery('once', 'append'))
    expect(await values('select sum(n) from once')).toEqual([['6']])
  })

  test('takes the place of all rows at once, or leaves them', async () => {
    await exported('select 5 as time, 1 as n', delivery('replaced', 'replace'))
    const second = await exported('select 6 as time, 2 as n, 3 as m', delivery('replaced', 'replace'))
    expect(await values('select time, n, m from replaced')).toEqual([['6', '2', '3']])
    await again(second, delivery('replaced', 'replace'))
    expect(await values('select count(*) from replaced')).toEqual([['1']])
    const unfit = exported(`select 1.5 as n`, delivery('replaced', 'replace'))
    expect(await failure(unfit)).toMatchObject({
      code: 'query_data',
      message: expect.stringContaining('1.5') as string,
    })
    expect(await failure(exported(`select 'x' as n`, delivery('replaced', 'append')))).toMatchObject({
      code: 'query_semantic',
    })
    expect(await values('select n from replaced')).toEqual([['2']])
    await exported('select 1 as n where false', delivery('replaced', 'replace'))
    expect(await values('select count(*) from replaced')).toEqual([['0']])
  })

  test('begins again where another one came first', async () => {
    await exported('select 0 as n', delivery('raced', 'replace'))
    const answers = await Promise.all(
      [1, 2, 3].map((n) => exported(`select ${n} as n, ${n} as n${n}`, delivery('raced', 'replace'))),
    )
    expect(answers).toHaveLength(3)
    const [[n, a, b, c] = []] = await values('select n, n1, n2, n3 from raced')
    expect([a, b, c].filter((value) => value !== null)).toEqual([n])
  })

  test('goes to a table that another one makes at the same moment', async () => {
    const made = [1, 2, 3, 4].map((n) => exported(`select ${n} as n`, delivery('together', 'append')))
    expect(await Promise.all(made)).toHaveLength(4)
    expect(await values('select count(*), sum(n) from together')).toEqual([['4', '10']])
  })

  test('is refused to whoever may not write there any more, or lost the lease', async () => {
    const answer = await bench.query('select 1 as n')
    const reader = { ...delivery('closed', 'append'), principal: { ...bench.owner, keyKind: 'query' as const } }
    expect(await failure(again(answer, reader))).toMatchObject({ code: 'forbidden' })
    const attempt = await attemptOf(answer)
    const stale = { ...attempt, leaseToken: attempt.leaseToken - 1 }
    expect(await failure(exportResult(parts, stale, sourceOf(answer), delivery('closed', 'append')))).toMatchObject({
      code: 'lease_lost',
    })
    expect(await failure(exported('select 1 as n, 2 as N', delivery('closed', 'append')))).toMatchObject({
      code: 'query_semantic',
    })
    expect(await failure(bench.query('select * from closed'))).toMatchObject({ code: 'table_not_found' })
  })
})
