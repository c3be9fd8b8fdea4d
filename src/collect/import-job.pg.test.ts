import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { sql } from '../base/postgres/postgres.ts'
import type { CollectBench } from './testing/collect-bench.ts'
import { openCollectBench, requestOf } from './testing/collect-bench.ts'

let bench: CollectBench

beforeAll(async () => {
  bench = await openCollectBench()
  await bench.startIntake()
  await bench.startWorker()
})

afterAll(() => bench.close())

/** The kinds of ends that the import jobs of a bench came to. */
const endsOf = async ({ postgres }: CollectBench) => {
  const rows = await postgres.query<{ to_state: string }>(
    sql`select distinct to_state from job_history h join jobs j on j.id = h.job_id
         where j.kind = 'import' and to_state in ('success', 'error', 'killed', 'dead', 'retry_wait')`,
  )
  return rows.map((row) => row.to_state)
}

it('has nothing to do any more where its segment is released while it is at it', async () => {
  const own = await openCollectBench()
  try {
    const intake = await own.startIntake()
    await intake.accept(requestOf(own.owner, Buffer.from('{"n":1}')))
    const stop = async (): Promise<void> => {}
    await own.startWorker({
      engines: {
        name: 'engines that come too late',
        start: stop,
        stop,
        async run() {
          for (const name of await readdir(own.inboxDirectory)) {
            if (name.startsWith('segment')) await rm(join(own.inboxDirectory, name))
          }
          throw new Error('ENOENT')
        },
      },
    })
    await expect.poll(() => endsOf(own), { timeout: 20_000 }).not.toEqual([])
    expect(await endsOf(own)).toEqual(['success'])
  } finally {
    await own.close()
  }
})

describe('imports', () => {
  it('makes database, table and columns on the first write', async () => {
    const outcome = await bench.send(
      '{"time":1700000000,"host":"a","bytes":12}\n{"time":1700000001,"host":"b","ok":true}',
    )
    expect(outcome).toMatchObject({ accepted: 2, quarantined: 0, duplicate: false, error: null })
    expect(outcome.uniqueId).toMatch(/^inbox:[0-9a-f]{24}:\d+$/)
    const { columns, rows } = await bench.table()
    expect(rows).toBe(2)
    expect(columns.map(({ fieldId, name, type }) => [fieldId, name, type.kind])).toEqual([
      [1, 'time', 'bigint'],
      [6, 'host', 'varchar'],
      [7, 'bytes', 'bigint'],
      [8, 'ok', 'boolean'],
      [2, 'time_us', 'bigint'],
      [3, '_rescued', 'map'],
    ])
    expect(await bench.query('select time, host, bytes, ok from rows order by time')).toEqual([
      { time: '1700000000', host: 'a', bytes: '12', ok: null },
      { time: '1700000001', host: 'b', bytes: null, ok: true },
    ])
  })

  it('reads "200" in an integer column as 200, and loses nothing of "abc"', async () => {
    const table = 'codes'
    await bench.send('{"code":404}', { table })
    await bench.send('{"code":"200"}', { table })
    await bench.send('{"code":"abc"}', { table })
    expect(await bench.query('select code, _rescued from rows order by code nulls last', 'codes')).toEqual([
      { code: '200', _rescued: null },
      { code: '404', _rescued: null },
      { code: null, _rescued: [{ key: 'code', value: '"abc"' }] },
    ])
    expect((await bench.table('codes')).columns.filter(({ name }) => name === 'code')).toHaveLength(1)
  })

  it('counts fifty parallel sends of one id once', async () => {
    const sends = Array.from({ length: 50 }, () => bench.send('{"n":1}\n{"n":2}', { table: 'once', uniqueId: 'same' }))
    const outcomes = await Promise.all(sends)
    expect(outcomes.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    for (const outcome of outcomes) expect(outcome).toMatchObject({ uniqueId: 'same', accepted: 2, error: null })
    expect(await bench.query('select count(*)::int as n from rows', 'once')).toEqual([{ n: 2 }])
  })

  it('tells the counts of an id that was applied before', async () => {
    const request = { table: 'again', uniqueId: 'first' }
    expect(await bench.send('{"a":1}\nbroken', request)).toMatchObject({
      accepted: 1,
      quarantined: 1,
      duplicate: false,
    })
    expect(await bench.send('{"a":9}', request)).toMatchObject({ accepted: 1, quarantined: 1, duplicate: true })
  })

  it('quarantines what cannot be read, with reason, place and bytes', async () => {
    const outcome = await bench.send('{"a":1}\n{"a":\n{"a":1,"a":2}\n{"a":3}', { table: 'bad', uniqueId: 'mixed' })
    expect(outcome).toMatchObject({ accepted: 2, quarantined: 2 })
    expect(outcome.rejected.map(({ recordNumber, reason }) => [recordNumber, reason])).toEqual([
      [1, 'json_syntax'],
      [2, 'duplicate_key'],
    ])
    const page = await bench.store.listQuarantine(bench.owner.accountId, 'web', 'bad', { limit: 10 })
    expect(
      page.map(({ recordNumber, byteOffset, reason, raw }) => [recordNumber, byteOffset, reason, String(raw)]),
    ).toEqual([
      [2, 14, 'duplicate_key', '{"a":1,"a":2}'],
      [1, 8, 'json_syntax', '{"a":'],
    ])
  })

  it('keeps a body whole that cannot be inflated', async () => {
    const broken = gzipSync('{"a":1}').subarray(0, 15)
    const outcome = await bench.send(broken, { table: 'broken', encoding: 'gzip', uniqueId: 'torn' })
    expect(outcome).toMatchObject({ accepted: 0, quarantined: 1, error: { code: 'body_malformed' } })
    const [entry] = await bench.store.listQuarantine(bench.owner.accountId, 'web', 'broken', { limit: 10 })
    expect(entry).toMatchObject({ uniqueId: 'torn', reason: 'body_malformed', rawBytes: 15, recordNumber: null })
    expect(Buffer.compare(Buffer.from(entry?.raw ?? []), broken)).toBe(0)
    expect(await bench.send(broken, { table: 'broken', encoding: 'gzip', uniqueId: 'torn' })).toMatchObject({
      duplicate: true,
    })
  })

  it('keeps a large broken body as an object', async () => {
    const body = Buffer.alloc(100_000, 'x')
    await bench.send(body, { table: 'broken', encoding: 'gzip', uniqueId: 'large' })
    const [entry] = await bench.store.listQuarantine(bench.owner.accountId, 'web', 'broken', { limit: 1 })
    expect(entry).toMatchObject({ uniqueId: 'large', rawBytes: 100_000 })
    expect(entry?.raw.byteLength).toBe(65_536)
    expect((await bench.objects.get(entry?.objectKey ?? '')).equals(body)).toBe(true)
  })

  it('keeps the neighbours of a body that takes its process down', async () => {
    const sends = ['{"n":1}', 'SEGFAULT', '{"n":2}', '{"n":3}'].map((body) => bench.send(body, { table: 'deadly' }))
    const outcomes = await Promise.all(sends)
    expect(outcomes.map(({ accepted, error }) => [accepted, error?.code])).toEqual([
      [1, undefined],
      [0, 'worker_lost'],
      [1, undefined],
      [1, undefined],
    ])
    const [entry] = await bench.store.listQuarantine(bench.owner.accountId, 'web', 'deadly', { limit: 10 })
    expect(String(entry?.raw)).toBe('SEGFAULT')
  })

  it('takes columns that many bodies add at the same time', async () => {
    const bodies = Array.from({ length: 30 }, (_, n) => `{"common":${n},"own${n}":${n}}`)
    await Promise.all(bodies.map((body) => bench.send(body, { table: 'wide' })))
    const { columns, rows } = await bench.table('wide')
    expect(rows).toBe(30)
    expect(new Set(columns.map(({ fieldId }) => fieldId)).size).toBe(columns.length)
    expect(columns.filter(({ name }) => name.startsWith('own'))).toHaveLength(30)
  })

  it('makes a table again that was dropped between two bodies', async () => {
    await bench.send('{"a":1}', { table: 'gone' })
    await bench.store.dropTable(bench.owner.accountId, 'web', 'gone')
    await bench.send('{"a":2}', { table: 'gone' })
    expect(await bench.query('select a from rows', 'gone')).toEqual([{ a: '2' }])
  })

  it('keeps bodies of accounts apart that lie in one segment', async () => {
    const { owner: stranger, account } = await bench.access.createAccount('other', {
      email: 'o@example.com',
      name: 'O',
    })
    const principal = { ...bench.owner, accountId: account.id, userId: stranger.id }
    const sends = Array.from({ length: 40 }, (_, n) => {
      return bench.send(`{"n":${n}}`, { table: 'shared', ...(n % 2 === 0 && { principal }) })
    })
    expect((await Promise.all(sends)).every(({ accepted }) => accepted === 1)).toBe(true)
    expect(await bench.query('select count(*)::int as n, min(n % 2)::int as odd from rows', 'shared')).toEqual([
      { n: 20, odd: 1 },
    ])
    expect((await bench.store.table(account.id, 'web', 'shared')).rows).toBe(20)
    const jobs = await bench.jobs.list({ accountId: account.id, limit: 100 })
    for (const job of jobs) expect(job.output).toMatchObject({ duplicates: 0 })
    expect(jobs.reduce((sum, { output }) => sum + (output as { bodies: number }).bodies, 0)).toBe(20)
  })

  const encodings = {
    identity: (body: Buffer) => body,
    gzip: (body: Buffer) => Buffer.concat([gzipSync(body), gzipSync('')]),
    deflate: (body: Buffer) => deflateSync(body),
    'deflate without header': (body: Buffer) => deflateRawSync(body),
    br: (body: Buffer) => brotliCompressSync(body),
  }
  const records = [
    { time: 1_700_000_000, name: 'Ann, "A"', n: 1 },
    { time: 1_700_000_001, name: 'Bob\nB', n: -2 },
  ]
  const formats = {
    ndjson: Buffer.from(records.map((record) => JSON.stringify(record)).join('\n')),
    json: Buffer.from(JSON.stringify(records)),
    msgpack: Buffer.concat(records.map((record) => encode(record))),
    csv: Buffer.from('time,name,n\r\n1700000000,"Ann, ""A""",1\r\n1700000001,"Bob\nB",-2\r\n'),
    tsv: Buffer.from('time\tname\tn\n1700000000\t"Ann, ""A"""\t1\n1700000001\t"Bob\nB"\t-2\n'),
  }
  for (const format of ['ndjson', 'json', 'msgpack', 'csv', 'tsv'] as const) {
    for (const [name, compress] of Object.entries(encodings)) {
      it(`reads ${format} as ${name}`, async () => {
        const table = `${format}_${name.replaceAll(' ', '_')}`
        const encoding = name.startsWith('deflate') ? 'deflate' : (name as 'gzip')
        await bench.send(compress(formats[format]), { table, format, encoding })
        expect(await bench.query('select time, name, n from rows order by time', table)).toEqual([
          { time: '1700000000', name: 'Ann, "A"', n: '1' },
          { time: '1700000001', name: 'Bob\nB', n: '-2' },
        ])
      })
    }
  }
})
