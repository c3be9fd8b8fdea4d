import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Principal } from '../../access/access.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { CollectBench } from '../testing/collect-bench.ts'
import { openCollectBench } from '../testing/collect-bench.ts'
import type { BulkErrorRecord, BulkImport, BulkImports } from './bulk-imports.ts'
import { expireBulkImports, partOrphans } from './orphans.ts'
import { receivePart } from './receive-part.ts'

let bench: CollectBench
let bulk: BulkImports
let owner: Principal

beforeAll(async () => {
  bench = await openCollectBench()
  ;({ bulk, owner } = bench)
  await bench.startWorker()
  await bench.store.createDatabase(owner.accountId, 'web')
})
afterAll(() => bench.close())

const packed = (records: readonly unknown[]): Buffer => gzipSync(Buffer.concat(records.map((one) => encode(one))))
const upload = (name: string, part: string, body: Uint8Array) =>
  bulk.uploadPart(owner, name, part, Readable.from([Buffer.from(body)]))

async function begin(name: string, table = name): Promise<BulkImport> {
  await bench.store.createTable(owner.accountId, 'web', table, { ifNotExists: true })
  return await bulk.create(owner, name, { database: 'web', table })
}

async function until(name: string, status: BulkImport['status']): Promise<BulkImport> {
  for (;;) {
    const found = await bulk.show(owner, name)
    if (found.status === status) return found
    if (found.status !== 'performing' && found.status !== 'committing') throw new Error(`it is ${found.status}`)
    await systemClock.sleep(20)
  }
}

async function perform(name: string): Promise<BulkImport> {
  await bulk.perform(owner, name)
  return await until(name, 'ready')
}

async function commit(name: string): Promise<BulkImport> {
  await bulk.commit(owner, name)
  return await until(name, 'committed')
}

async function errorsOf(name: string): Promise<BulkErrorRecord[]> {
  const errors: BulkErrorRecord[] = []
  for await (const error of bulk.errorRecords(owner, name)) errors.push(error)
  return errors
}

describe('bulk imports', () => {
  it('take parts, convert them together, and put them into the table at once', async () => {
    await begin('whole')
    await upload(
      'whole',
      'one',
      packed([
        { time: 1, a: 1 },
        { time: 2, a: 2, b: 'x' },
      ]),
    )
    await upload('whole', 'two', packed([{ time: 3, a: 3, c: [1] }]))
    await upload('whole', 'lines.json', gzipSync('{"time":4,"a":4}\n'))
    await upload('whole', 'table.csv', gzipSync('time,a\n5,5\n'))
    expect((await bulk.parts(owner, 'whole')).map(({ name }) => name)).toEqual([
      'lines.json',
      'one',
      'table.csv',
      'two',
    ])
    expect(await bulk.freeze(owner, 'whole')).toMatchObject({ status: 'uploading', frozen: true, jobId: null })
    const begun = await bulk.perform(owner, 'whole')
    expect(begun).toMatchObject({ status: 'performing', frozen: true, validRecords: 0 })
    expect((await bulk.perform(owner, 'whole')).jobId).toBe(begun.jobId)
    const ready = await until('whole', 'ready')
    expect(ready).toMatchObject({ validRecords: 5, errorRecords: 0, validParts: 4, errorParts: 0, jobId: begun.jobId })
    expect((await bench.table('whole')).rows).toBe(0)
    // It is ready a moment before its job has ended.
    await expect
      .poll(() => bench.jobs.get(owner.accountId, begun.jobId ?? 0))
      .toMatchObject({ kind: 'bulk_import', state: 'success', output: { parts: 4, rows: 5, rejected: 0 } })
    await commit('whole')
    expect((await bulk.commit(owner, 'whole')).status).toBe('committed')
    expect(await bench.query('select time, a, b from rows order by time', 'whole')).toEqual([
      { time: '1', a: '1', b: null },
      { time: '2', a: '2', b: 'x' },
      { time: '3', a: '3', b: null },
      { time: '4', a: '4', b: null },
      { time: '5', a: '5', b: null },
    ])
    await bulk.delete(owner, 'whole')
    await expect(bulk.show(owner, 'whole')).rejects.toMatchObject({ code: 'bulk_import_not_found' })
    expect((await bench.table('whole')).rows).toBe(5)
  })

  it('keep records with an empty key, whose value is rescued', async () => {
    await begin('pandas')
    await upload(
      'pandas',
      'part',
      packed([
        { '': 0, time: 1, a: 1 },
        { '': 1, time: 2, a: 2 },
      ]),
    )
    expect(await perform('pandas')).toMatchObject({ validRecords: 2, errorRecords: 0 })
    await commit('pandas')
    expect(await bench.query('select count(*)::int as n, sum(a)::int as a from rows', 'pandas')).toEqual([
      { n: 2, a: 3 },
    ])
  })

  it('take a bad record or a bad part for an error, and nothing else', async () => {
    await begin('bad')
    const broken = gzipSync('cut off').subarray(0, 12)
    await upload('bad', 'a', packed([{ time: 1, a: 1 }, { time: 'never', a: 2 }, [1], { time: 3, a: 3 }]))
    await upload('bad', 'b', broken)
    await upload('bad', 'c', Buffer.alloc(0))
    const ready = await perform('bad')
    expect(ready).toMatchObject({ validRecords: 2, errorRecords: 3, validParts: 2, errorParts: 1 })
    const errors = await errorsOf('bad')
    expect(errors.map(({ part, recordNumber, reason }) => [part, recordNumber, reason])).toEqual([
      ['a', 1, 'time'],
      ['a', 2, 'not_an_object'],
      ['b', null, 'body_malformed'],
    ])
    expect(Buffer.from(errors[0]?.raw ?? []).equals(Buffer.from(encode({ time: 'never', a: 2 })))).toBe(true)
    expect(await bench.store.listQuarantine(owner.accountId, 'web', 'bad', { limit: 9 })).toEqual([])
    await commit('bad')
    const kept = await bench.store.listQuarantine(owner.accountId, 'web', 'bad', { limit: 9 })
    expect(kept.map(({ reason, uniqueId }) => [reason, uniqueId.split('/')[1]])).toEqual([
      ['body_malformed', 'b'],
      ['not_an_object', 'a'],
      ['time', 'a'],
    ])
  })

  it('leave what could not be read to be mended and replayed', async () => {
    await begin('mended')
    await upload(
      'mended',
      'a',
      packed([
        { time: 1, a: 1 },
        { time: 'never', a: 2 },
        { time: 3, a: 3 },
      ]),
    )
    await upload('mended', 'b.csv', Buffer.from('time,a\n4,4\n5\n'))
    await upload('mended', 'c', gzipSync('cut off').subarray(0, 12))
    expect(await perform('mended')).toMatchObject({ validRecords: 3, errorRecords: 3 })
    await commit('mended')
    const table = { database: 'web', name: 'mended' }
    const mend = async (reason: string, bytes: Buffer) => {
      const fixed = await bench.quarantine.fix(
        owner,
        table,
        { reason },
        { bytes: () => bytes },
        { after: 0, dryRun: false },
      )
      expect(fixed).toMatchObject({ matched: 1, changed: 1 })
    }
    await mend('time', Buffer.from(encode({ time: 2, a: 2 })))
    await mend('csv_fields', Buffer.from('5,5'))
    await mend('body_malformed', packed([{ time: 6, a: 6 }]))
    const { id } = await bench.replays.submit(owner, table, {})
    const job = await bench.jobs.wait(owner.accountId, id, 90_000)
    expect(job).toMatchObject({ state: 'success', output: { released: 3, returned: 0, rows: 3 } })
    expect(await bench.store.listQuarantine(owner.accountId, 'web', 'mended', { limit: 9 })).toEqual([])
    const rows = await bench.query('select time::int as time, a::int as a from rows order by time', 'mended')
    expect(rows).toEqual([1, 2, 3, 4, 5, 6].map((n) => ({ time: n, a: n })))
  })

  it('replace a part that is sent again, and forget one that is deleted', async () => {
    await begin('replaced')
    await upload('replaced', 'part', packed([{ time: 1 }, { time: 2 }]))
    await upload('replaced', 'other', packed([{ time: 1 }]))
    await upload('replaced', 'part', packed([{ time: 9 }]))
    await bulk.deletePart(owner, 'replaced', 'other')
    await bulk.deletePart(owner, 'replaced', 'other')
    const keys: string[] = []
    const { id } = await bulk.show(owner, 'replaced')
    for await (const { key } of bench.objects.list(`bulk/${owner.accountId}/${id}/`)) keys.push(key)
    expect(keys).toHaveLength(1)
    expect(await perform('replaced')).toMatchObject({ validRecords: 1, validParts: 1 })
  })

  it('take no part once they are frozen, until they are unfrozen', async () => {
    await begin('frozen')
    await bulk.freeze(owner, 'frozen')
    await bulk.freeze(owner, 'frozen')
    await expect(upload('frozen', 'late', packed([]))).rejects.toMatchObject({ code: 'bulk_import_state' })
    await expect(bulk.commit(owner, 'frozen')).rejects.toMatchObject({ code: 'bulk_import_state' })
    expect(await bulk.unfreeze(owner, 'frozen')).toMatchObject({ frozen: false })
    await upload('frozen', 'late', packed([{ time: 1 }]))
    await perform('frozen')
    expect(await bulk.unfreeze(owner, 'frozen')).toMatchObject({ status: 'uploading', jobId: null, validRecords: 0 })
    await upload('frozen', 'later', packed([{ time: 2 }]))
    expect(await perform('frozen')).toMatchObject({ validRecords: 2 })
  })

  it('convert anew for the columns that the table has when they are committed', async () => {
    await begin('schema')
    await upload('schema', 'part', packed([{ time: 1, a: 1, b: '2' }]))
    await perform('schema')
    // As embulk-output-td does between the two.
    await bench.store.alterColumns(owner.accountId, { database: 'web', name: 'schema' }, [
      { kind: 'add_column', name: 'a', type: { kind: 'varchar' } },
    ])
    await commit('schema')
    expect(await bench.query('select a, b from rows', 'schema')).toEqual([{ a: '1', b: '2' }])
  })

  it('convert parts side by side into one list of columns', async () => {
    await begin('many')
    // Each larger than what is converted together with another one.
    for (let part = 0; part < 4; part += 1) {
      const filler = Buffer.alloc(17 * 2 ** 20, ' ')
      await upload('many', `part${part}.json`, Buffer.concat([Buffer.from(`{"time":${part},"c${part}":1}\n`), filler]))
    }
    expect(await perform('many')).toMatchObject({ validRecords: 4, validParts: 4 })
    await commit('many')
    const columns = (await bench.table('many')).columns.map(({ name }) => name)
    expect(columns.filter((name) => /^c\d$/.test(name)).toSorted()).toEqual(['c0', 'c1', 'c2', 'c3'])
    expect(await bench.query('select sum(c0 + 0)::int as a, sum(c3)::int as d from rows', 'many')).toEqual([
      { a: 1, d: 1 },
    ])
  })

  it('lose only the part that takes its process down', async () => {
    await begin('deadly')
    await upload('deadly', 'a', packed([{ time: 1 }]))
    await upload('deadly', 'b.json', Buffer.from('SEGFAULT'))
    await upload('deadly', 'c', packed([{ time: 2 }]))
    expect(await perform('deadly')).toMatchObject({ validRecords: 2, errorRecords: 1, validParts: 2, errorParts: 1 })
    expect(await errorsOf('deadly')).toMatchObject([{ part: 'b.json', reason: 'worker_lost' }])
  })

  it('are frozen again, and can be performed again, where their job failed', async () => {
    await begin('gone')
    await upload('gone', 'part', packed([{ time: 1 }]))
    await bench.store.dropTable(owner.accountId, 'web', 'gone')
    const { jobId } = await bulk.perform(owner, 'gone')
    await bench.jobs.wait(owner.accountId, jobId ?? 0, 90_000)
    expect(await bulk.show(owner, 'gone')).toMatchObject({ status: 'uploading', frozen: true, jobId })
    await bench.store.createTable(owner.accountId, 'web', 'gone')
    expect(await perform('gone')).toMatchObject({ validRecords: 1 })
  })

  it('submit the job that a process died before submitting', async () => {
    const { id } = await begin('unsubmitted')
    await bench.postgres.query(sql`
      update bulk_imports set status = 'performing', frozen = true, step = 1 where id = ${id}`)
    expect((await until('unsubmitted', 'ready')).jobId).not.toBeNull()
    await bench.postgres.query(sql`
      update bulk_imports set status = 'committing', step = 2, step_job_id = null where id = ${id}`)
    await until('unsubmitted', 'committed')
  })

  it('know their job, also where it was done before anybody noted it', async () => {
    const { id } = await begin('swift')
    await upload('swift', 'part', packed([{ time: 1 }]))
    await bench.postgres.query(sql`
      update bulk_imports set status = 'performing', frozen = true, step = 1 where id = ${id}`)
    const { accountId, userId } = owner
    const input = { importId: id, step: 1 }
    const { job } = await bench.jobs.submit({
      accountId,
      userId,
      kind: 'bulk_import',
      input,
      uniqueKey: `bulk:${id}:1`,
    })
    await bench.jobs.wait(accountId, job.id, 90_000)
    expect(await bulk.show(owner, 'swift')).toMatchObject({ status: 'ready', jobId: job.id, validRecords: 1 })
  })

  it('commit once, also where a process died before it could say so', async () => {
    const { id } = await begin('once')
    await upload('once', 'part', packed([{ time: 1 }]))
    await perform('once')
    await commit('once')
    await bench.postgres.query(sql`
      update bulk_imports set status = 'committing', step = step + 1, step_job_id = null where id = ${id}`)
    await until('once', 'committed')
    expect((await bench.table('once')).rows).toBe(1)
  })

  it('commit files that waited too long by writing them anew', async () => {
    const { id } = await begin('late')
    await upload('late', 'part', packed([{ time: 1 }]))
    await perform('late')
    await bench.postgres.query(sql`
      update bulk_import_conversions set converted_at = now() - interval '20 hours' where import_id = ${id}`)
    await bench.postgres.query(sql`update bulk_import_chunks set chunk = '{}' where import_id = ${id}`)
    await commit('late')
    expect((await bench.table('late')).rows).toBe(1)
  })

  it('belong to whoever may import', async () => {
    await begin('secret')
    const { account } = await bench.access.createAccount('other', { email: 'o@example.org', name: 'O' })
    const stranger: Principal = { ...owner, accountId: account.id }
    await expect(bulk.show(stranger, 'secret')).rejects.toMatchObject({ code: 'bulk_import_not_found' })
    expect(await bulk.list(stranger)).toEqual([])
    const reader: Principal = { ...owner, keyKind: 'query' }
    await expect(bulk.show(reader, 'secret')).rejects.toMatchObject({ code: 'forbidden' })
    await expect(bulk.create(reader, 'mine', { database: 'web', table: 'secret' })).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await bulk.list(reader)).toEqual([])
    expect((await bulk.list(owner)).map(({ name }) => name)).toContain('secret')
    await expect(begin('secret')).rejects.toMatchObject({ code: 'already_exists' })
    await expect(bulk.create(owner, 'x/y', { database: 'web', table: 'secret' })).rejects.toMatchObject({
      code: 'invalid_name',
    })
    await expect(upload('secret', 'a.b.c', packed([]))).rejects.toMatchObject({ code: 'invalid_name' })
    await expect(bulk.create(owner, 'lost', { database: 'web', table: 'none' })).rejects.toMatchObject({
      code: 'table_not_found',
    })
  })

  it('are gone after a month, and so are parts that nothing refers to', async () => {
    const { id } = await begin('old')
    await upload('old', 'part', packed([{ time: 1 }]))
    await bench.objects.put(`bulk/${owner.accountId}/${id}/left`, Buffer.from('x'))
    const later = { ...systemClock, nowMs: () => systemClock.nowMs() + 2 * 86_400_000 }
    const walk = partOrphans(bench.postgres, { objects: bench.objects, clock: later, ageMs: 86_400_000 })
    expect(await walk.step()).toBe(1)
    await walk.stop()
    expect(await expireBulkImports({ ...bench, clock: systemClock })).toBe(0)
    await bench.postgres.query(sql`update bulk_imports set created_at = now() - interval '31 days' where id = ${id}`)
    expect(await expireBulkImports({ ...bench, clock: systemClock })).toBe(1)
    await expect(bulk.show(owner, 'old')).rejects.toMatchObject({ code: 'bulk_import_not_found' })
    for await (const { key } of bench.objects.list(`bulk/${owner.accountId}/${id}/`)) throw new Error(`${key} is left`)
  })
})

describe('the reception of a part', () => {
  const path = () => `${bench.inboxDirectory}-${Math.random()}`

  it('stops at the limit, and reads the rest away', async () => {
    const body = Readable.from(Array.from({ length: 10 }, () => Buffer.alloc(100)))
    const closed = new Promise((ended) => body.on('close', ended))
    const receiving = receivePart(body, path(), { disk: systemDisk, clock: systemClock, bytesMax: 250 })
    await expect(receiving).rejects.toMatchObject({ code: 'body_too_large' })
    await closed
  })

  it('gives a silent sender up, and one that goes away', async () => {
    const tools = { disk: systemDisk, clock: systemClock, silenceMsMax: 50 }
    const silent = new Readable({ read: () => {} })
    silent.push(Buffer.alloc(10))
    await expect(receivePart(silent, path(), tools)).rejects.toMatchObject({ code: 'request_timeout' })
    const broken = new Readable({ read: () => {} })
    broken.push(Buffer.alloc(10))
    void systemClock.sleep(20).then(() => broken.destroy(new Error('aborted')))
    await expect(receivePart(broken, path(), tools)).rejects.toMatchObject({ code: 'request_timeout' })
  })
})
