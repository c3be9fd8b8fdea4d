import { describe, expect, test } from 'vitest'

import type { Access, Principal } from '../access/access.ts'
import { systemClock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Job, Jobs, NewJob } from '../jobs/jobs.ts'
import { openProcess, sqlCharactersMax } from './open-process.ts'

const principal: Principal = { accountId: 1, userId: 2, keyId: 3, keyKind: 'full', role: 'owner' }

/** The door over jobs that only remember what was submitted, and access that closes one database. */
function openFake() {
  const submitted: NewJob[] = []
  const jobs: Pick<Jobs, 'submit'> = {
    async submit(job) {
      submitted.push(job)
      return { job: { id: submitted.length } as Job, existing: false }
    },
  }
  const access: Pick<Access, 'require'> = {
    async require(_, database) {
      if (database === 'closed') throw new AppError('forbidden', 'closed')
    },
  }
  const clock = { ...systemClock, nowMs: () => 1_000_000 }
  const timeoutMs = { interactive: 60_000, batch: 600_000 }
  const process_ = openProcess({ access: access as Access, jobs: jobs as Jobs, clock, timeoutMs })
  return { submitted, process: process_ }
}

describe('a submitted query', () => {
  test('is a job with its limits', async () => {
    const { submitted, process } = openFake()
    await process.submitQuery(principal, {
      sql: 'select 1',
      database: 'web',
      timeoutMs: 5000,
      idempotencyKey: 'k',
      priority: 1,
    })
    await process.submitQuery(principal, { sql: 'select 2', database: null, timeoutMs: 1e9 })
    expect(submitted).toMatchObject([
      {
        kind: 'query',
        accountId: 1,
        userId: 2,
        timeoutMs: 5000,
        uniqueKey: 'k',
        priority: 1,
        input: { sql: 'select 1', database: 'web', principal },
      },
      { timeoutMs: 60_000, input: { database: null } },
    ])
  })

  test('runs on the engine that is asked for, and is tried as often as that allows', async () => {
    const { submitted, process } = openFake()
    const query = { sql: 'select 1', database: null }
    await process.submitQuery(principal, { ...query, engine: 'interactive' })
    await process.submitQuery(principal, { ...query, engine: 'batch', submittedAs: 'hive' })
    await process.submitQuery(principal, { ...query, engine: 'batch', retryLimit: 0, timeoutMs: 300_000 })
    await process.submitQuery(principal, query)
    expect(submitted).toMatchObject([
      { kind: 'query', attemptsMax: 1, timeoutMs: 60_000 },
      { kind: 'batch', attemptsMax: 4, timeoutMs: 600_000, input: { submittedAs: 'hive' } },
      { kind: 'batch', attemptsMax: 1, timeoutMs: 300_000 },
      { kind: 'query', attemptsMax: 3 },
    ])
  })

  test('waits for its scheduled time where that is yet to come', async () => {
    const { submitted, process } = openFake()
    for (const scheduledTime of [new Date(999_500), new Date(2_000_500)]) {
      await process.submitQuery(principal, { sql: 'select 1', database: null, scheduledTime, domainKey: 'k' })
    }
    expect(submitted).toMatchObject([
      { input: { scheduledTime: 999 }, domainKey: 'k' },
      { input: { scheduledTime: 2000 }, runAt: new Date(2_000_500) },
    ])
    expect(submitted[0]?.runAt).toBeUndefined()
  })

  test('is refused where its result may not go', async () => {
    const { submitted, process } = openFake()
    const delivery = { database: 'closed', table: 't', mode: 'append', principal, shownAs: '' } as const
    const query = { sql: 'select 1', database: null, delivery }
    await expect(process.submitQuery(principal, query)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(process.scheduledQuery(principal, query)).rejects.toMatchObject({ code: 'forbidden' })
    expect(submitted).toEqual([])
  })

  test.each<[what: string, sql: string, code: string, database?: string]>([
    ['nothing', ' \n', 'query_syntax'],
    ['too much', `select '${'ü'.repeat(sqlCharactersMax)}'`, 'body_too_large'],
    ['the character zero', `select '\0'`, 'query_syntax'],
    ['half of a character', `select '\ud800'`, 'query_syntax'],
    ['a closed database', 'select 1', 'forbidden', 'closed'],
    ['a closed database in upper case', 'select 1', 'forbidden', 'CLOSED'],
  ])('is refused for %s', async (_, sql, code, database) => {
    const { submitted, process } = openFake()
    await expect(process.submitQuery(principal, { sql, database: database ?? null })).rejects.toMatchObject({ code })
    expect(submitted).toEqual([])
  })

  test('takes whole characters beyond the basic plane', async () => {
    const { submitted, process } = openFake()
    await process.submitQuery(principal, { sql: `select '🦆'`, database: null })
    expect(submitted).toHaveLength(1)
  })

  test('needs a key that may query', async () => {
    const { process } = openFake()
    const importer: Principal = { ...principal, keyKind: 'import' }
    await expect(process.submitQuery(importer, { sql: 'select 1', database: null })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })
})

describe('a scheduled query', () => {
  test('is the job that each scheduled time makes', async () => {
    const { process, submitted } = openFake()
    expect(await process.scheduledQuery(principal, { sql: 'select 1', database: 'web' })).toEqual({
      kind: 'query',
      input: { sql: 'select 1', database: 'web', principal },
      priority: 0,
      attemptsMax: 3,
      timeoutMs: 60_000,
    })
    const more = { priority: -2, attemptsMax: 7, timeoutMs: 1e9 }
    expect(await process.scheduledQuery(principal, { sql: 'select 1', database: null, ...more })).toMatchObject({
      ...more,
      timeoutMs: 60_000,
    })
    expect(submitted).toEqual([])
  })

  test.each<[what: string, sql: string, code: string, database: string | null, keyKind: Principal['keyKind']]>([
    ['nothing', '', 'query_syntax', null, 'full'],
    ['too much', 'x'.repeat(sqlCharactersMax + 1), 'body_too_large', null, 'full'],
    ['a closed database', 'select 1', 'forbidden', 'Closed', 'full'],
    ['a key that only reads', 'select 1', 'forbidden', null, 'query'],
    ['a key that only imports', 'select 1', 'forbidden', null, 'import'],
  ])('is refused for %s', async (_, sql, code, database, keyKind) => {
    const { process } = openFake()
    const asked = process.scheduledQuery({ ...principal, keyKind }, { sql, database })
    await expect(asked).rejects.toMatchObject({ code })
  })
})
