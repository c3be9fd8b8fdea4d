import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, describe, expect, it } from 'vitest'

import { systemDisk } from '../base/disk.ts'
import { sql } from '../base/postgres/postgres.ts'
import { openSeverableWay } from '../jobs/testing/severable-postgres.ts'
import type { SeverableWay } from '../jobs/testing/severable-postgres.ts'
import type { CollectBench } from './testing/collect-bench.ts'
import { openCollectBench, requestOf } from './testing/collect-bench.ts'

let bench: CollectBench | undefined
let way: SeverableWay | undefined

afterEach(async () => {
  await bench?.close()
  await way?.close()
  bench = undefined
  way = undefined
})

async function open(...options: Parameters<typeof openCollectBench>): Promise<CollectBench> {
  bench = await openCollectBench(...options)
  return bench
}

/** Waits until the table has so many rows. */
async function untilRows(of: CollectBench, rows: number, name = 'log'): Promise<void> {
  const found = async (): Promise<number> => (await of.table(name).catch(() => undefined))?.rows ?? 0
  await expect.poll(found).toBeGreaterThanOrEqual(rows)
}

const event = (n: number): Buffer => Buffer.from(`{"n":${n}}`)

for (const kind of ['directory', 'objects'] as const) {
  describe(`the intake on ${kind}`, () => {
    it('applies what a dead intake acknowledged, once', async () => {
      const own = await open(kind)
      const first = await own.startIntake()
      const sent = Array.from({ length: 200 }, (_, n) => n)
      const receipts = await Promise.all(sent.map((n) => first.accept(requestOf(own.owner, event(n)))))
      expect(new Set(receipts.map(({ uniqueId }) => uniqueId)).size).toBe(200)
      await first.accept(requestOf(own.owner, event(200), { uniqueId: 'named' }))
      // It ends before a worker came; its jobs may or may not be there.
      await first.stop()
      const second = await own.startIntake()
      await second.accept(requestOf(own.owner, event(200), { uniqueId: 'named' }))
      await own.startWorker()
      await untilRows(own, 201)
      await sleep(500)
      const rows = await own.query('select count(*)::int as rows, count(distinct n)::int as n from rows')
      expect(rows).toEqual([{ rows: 201, n: 201 }])
    })

    it('releases what was applied', async () => {
      const own = await open(kind)
      const intake = await own.startIntake()
      await own.startWorker()
      await Promise.all(Array.from({ length: 20 }, (_, n) => own.send(event(n))))
      await intake.drain?.()
      await intake.stop()
      const waiting = async (): Promise<unknown[]> => {
        const left: unknown[] = await own.postgres.query(sql`select id from inbox_objects`)
        for await (const { key } of own.objects.list('inbox/')) left.push(key)
        return left
      }
      await expect.poll(waiting).toEqual([])
      const before = await own.postgres.query(sql`select id from jobs`)
      await own.startIntake()
      await sleep(300)
      expect(await own.postgres.query(sql`select id from jobs`)).toEqual(before)
    })
  })
}

describe('the intake', () => {
  it('acknowledges while PostgreSQL is away, and hands over when it is back', async () => {
    const own = await open('directory', async (url) => {
      way = await openSeverableWay(url)
      return way.url
    })
    const intake = await own.startIntake()
    await own.startWorker()
    await intake.acceptAndWait(requestOf(own.owner, event(0)), 90_000)
    await way?.sever()
    const receipts = await Promise.all([1, 2, 3].map((n) => intake.accept(requestOf(own.owner, event(n)))))
    expect(receipts).toHaveLength(3)
    await expect(intake.acceptAndWait(requestOf(own.owner, event(4)), 50)).rejects.toMatchObject({
      code: 'wait_timeout',
    })
    await way?.mend()
    await untilRows(own, 5)
    expect(await own.query('select n from rows order by n')).toEqual(['0', '1', '2', '3', '4'].map((n) => ({ n })))
  })

  it('quarantines the bodies of a job that was killed', async () => {
    const own = await open()
    const intake = await own.startIntake()
    const outcome = intake.acceptAndWait(requestOf(own.owner, Buffer.from('{"n":1}'), { uniqueId: 'mine' }), 90_000)
    outcome.catch(() => {})
    let jobs = await own.jobs.list({ accountId: own.owner.accountId, kind: 'import', limit: 10 })
    for (; jobs.length === 0; await sleep(50)) {
      jobs = await own.jobs.list({ accountId: own.owner.accountId, kind: 'import', limit: 10 })
    }
    await own.jobs.kill(own.owner.accountId, jobs[0]?.id ?? 0, 'test')
    await expect(outcome).rejects.toMatchObject({ code: 'job_killed' })
    const kept = await own.store.listQuarantine(own.owner.accountId, 'web', 'log', { limit: 10 })
    expect(kept.map(({ uniqueId, reason, raw }) => [uniqueId, reason, String(raw)])).toEqual([
      ['mine', 'job_killed', '{"n":1}'],
    ])
  })

  it('refuses names, ids and bodies that break the rules, before anything is kept', async () => {
    const own = await open()
    const intake = await own.startIntake()
    const attempt = (request: Parameters<typeof requestOf>[2], body = event(1)) =>
      intake.accept(requestOf(own.owner, body, request))
    await expect(attempt({ database: 'Web' })).rejects.toMatchObject({ code: 'invalid_name' })
    await expect(attempt({ table: '../etc' })).rejects.toMatchObject({ code: 'invalid_name' })
    await expect(attempt({ timeColumn: 'a\u0000b' })).rejects.toMatchObject({ code: 'invalid_name' })
    for (const uniqueId of ['', 'x'.repeat(256), 'a\nb', 'inbox:0:0', 'job:1']) {
      await expect(attempt({ uniqueId }), uniqueId).rejects.toMatchObject({ code: 'invalid_request' })
    }
    const large = Buffer.alloc(64 * 2 ** 20 + 1)
    await expect(attempt({}, large)).rejects.toMatchObject({ code: 'body_too_large' })
    const stranger = { ...own.owner, keyKind: 'query' } as const
    await expect(intake.accept(requestOf(stranger, event(1)))).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('refuses above its limits, and takes bodies again when there is room', async () => {
    const own = await open()
    const intake = await own.startIntake({ inflightBytesMax: 10_000, backlogBytesMax: 30_000 })
    const body = (bytes: number) => Buffer.from(`{"a":"${'x'.repeat(bytes)}"}`)
    const many = await Promise.allSettled([1, 2, 3].map(() => intake.accept(requestOf(own.owner, body(4000)))))
    expect(many.map((result) => (result.status === 'rejected' ? result.reason : undefined))).toEqual([
      undefined,
      expect.objectContaining({ code: 'overloaded', retryAfterSeconds: 1 }),
      expect.objectContaining({ code: 'overloaded' }),
    ])
    let refused: unknown
    for (let sent = 0; refused === undefined && sent < 20; sent += 1) {
      await intake.accept(requestOf(own.owner, body(4000))).catch((error: unknown) => (refused = error))
    }
    expect(refused).toMatchObject({ code: 'overloaded' })
    // Before it is received, a body hears the same; one that is too large for ever, that it is.
    const asked = (bytes: number) => intake.awaitRoom(own.owner, 'web', bytes)
    await expect(asked(4000)).rejects.toMatchObject({ code: 'overloaded' })
    await expect(asked(64 * 2 ** 20 + 1)).rejects.toMatchObject({ code: 'body_too_large' })
    await own.startWorker()
    const again = () => intake.accept(requestOf(own.owner, event(1))).catch((error: unknown) => error)
    await expect.poll(again, { interval: 100 }).not.toBeInstanceOf(Error)
  })

  it('takes bodies larger than a segment, and thousands of events at a time', async () => {
    const own = await open()
    const intake = await own.startIntake({ backlogBytesMax: 1e9 })
    await own.startWorker()
    const large = Buffer.from(
      Array.from({ length: 60_000 }, (_, n) => `{"n":${n},"text":"${'x'.repeat(40)}"}`).join('\n'),
    )
    const outcome = await intake.acceptAndWait(requestOf(own.owner, large, { table: 'large' }), 90_000)
    expect(outcome).toMatchObject({ accepted: 60_000 })
    const events = Array.from({ length: 3000 }, (_, n) => intake.accept(requestOf(own.owner, event(n))))
    await Promise.all(events)
    await untilRows(own, 3000)
    expect(await own.query('select count(distinct n)::int as n from rows')).toEqual([{ n: 3000 }])
    const jobs = await own.postgres.query<{ n: number }>(sql`select count(*)::int as n from jobs`)
    expect(jobs[0]?.n).toBeLessThan(100)
    expect((await systemDisk.list(own.inboxDirectory)).length).toBeLessThan(12)
  })
})
