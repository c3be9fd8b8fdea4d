import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { sql } from '../../base/postgres/postgres.ts'
import type { Job } from '../../jobs/jobs.ts'
import type { QuarantineFilter, QuarantineFix } from '../../store/quarantine.ts'
import type { CollectBench } from '../testing/collect-bench.ts'
import { openCollectBench } from '../testing/collect-bench.ts'
import type { ReplaySummary } from '../replay.ts'

let bench: CollectBench

beforeAll(async () => {
  bench = await openCollectBench()
  await bench.startIntake()
  await bench.startWorker()
})
afterAll(() => bench.close())

const at = (name: string) => ({ database: 'web', name })

async function replay(name: string, filter: QuarantineFilter = {}): Promise<ReplaySummary> {
  const { id } = await bench.replays.submit(bench.owner, at(name), filter)
  const job: Job = await bench.jobs.wait(bench.owner.accountId, id, 90_000)
  expect([job.state, job.error]).toEqual(['success', null])
  return job.output as ReplaySummary
}

function fix(name: string, bytes: QuarantineFix['bytes'], more: Partial<QuarantineFix> = {}) {
  return bench.quarantine.fix(bench.owner, at(name), {}, { bytes, ...more }, { after: 0, dryRun: false })
}

const edit =
  (find: string, put: string): QuarantineFix['bytes'] =>
  (old) =>
    Buffer.from(old.toString('latin1').replaceAll(find, put), 'latin1')

const left = (name: string) => bench.store.listQuarantine(bench.owner.accountId, 'web', name, { limit: 100 })
const same: QuarantineFix['bytes'] = (old) => old

describe('a replay', () => {
  it('adds what was mended and takes it out of the quarantine, once', async () => {
    const table = 'mended'
    await bench.send('{"time":1,"n":1}\n{"time":2,"n":}\n{"time":3,"n":3}', { table, uniqueId: 'first' })
    expect(await replay(table)).toEqual({ released: 0, returned: 1, passedOver: 0, rows: 0 })
    expect(await fix(table, edit(':}', ':2}'))).toEqual({
      matched: 1,
      changed: 1,
      tooLarge: 0,
      next: expect.any(Number),
    })
    expect(await replay(table)).toEqual({ released: 1, returned: 0, passedOver: 0, rows: 1 })
    expect(await replay(table)).toEqual({ released: 0, returned: 0, passedOver: 0, rows: 0 })
    expect(await bench.query('select time, n from rows order by time', table)).toEqual([
      { time: '1', n: '1' },
      { time: '2', n: '2' },
      { time: '3', n: '3' },
    ])
    expect(await left(table)).toEqual([])
  })

  it('keeps what fails again, with its history', async () => {
    const table = 'again'
    await bench.send('{"a":', { table, uniqueId: 'broken', door: 'import' })
    await fix(table, edit('{"a":', '{"a":1,"a":2}'))
    await replay(table)
    const [entry] = await left(table)
    expect(entry).toMatchObject({ uniqueId: 'broken', reason: 'duplicate_key' })
    const item = await bench.quarantine.item(bench.owner.accountId, at(table), entry?.id ?? 0)
    expect(item).toMatchObject({ revision: 2, source: { format: 'ndjson', encoding: 'identity', door: 'import' } })
    expect(item.history).toMatchObject([{ what: 'fixed' }, { what: 'replayed', reason: 'truncated' }])
  })

  it.each([
    ['json', '[{"a":1},{"a":01},{"a":3}]', edit('01', '2')],
    ['csv', 'a,b\r\n1,x\r\n2\r\n3,z\r\n', edit('2', '2,y')],
    ['tsv', 'a\tb\n1\tx\n2\n3\tz\n', edit('2', '2\ty')],
  ] as const)('reads a record of %s as what it was', async (format, body, mend) => {
    const table = `as_${format}`
    expect(await bench.send(body, { table, format })).toMatchObject({ accepted: 2, quarantined: 1 })
    await fix(table, mend)
    expect(await replay(table)).toMatchObject({ released: 1, rows: 1 })
    expect(await bench.query('select a from rows order by a', table)).toEqual([{ a: '1' }, { a: '2' }, { a: '3' }])
  })

  it('reads a record of msgpack as what it was', async () => {
    const table = 'as_msgpack'
    const record = encode({ time: 'yesterday', a: 7 })
    await bench.send(Buffer.concat([encode({ time: 1, a: 1 }), record]), { table, format: 'msgpack' })
    expect(await left(table)).toMatchObject([{ reason: 'time' }])
    await fix(table, () => Buffer.from(encode({ time: 2, a: 7 })))
    expect(await replay(table)).toMatchObject({ released: 1, rows: 1 })
    expect(await bench.query('select a from rows order by a', table)).toEqual([{ a: '1' }, { a: '7' }])
  })

  it('reads a whole body that nobody could inflate, and keeps what of it still cannot be read', async () => {
    const table = 'whole'
    const good = gzipSync('{"a":1}\n{"a":\n{"a":3}')
    await bench.send(good.subarray(0, 20), { table, encoding: 'gzip', uniqueId: 'torn' })
    await fix(table, () => good)
    expect(await replay(table)).toMatchObject({ released: 1, rows: 2 })
    const [part] = await left(table)
    expect(part).toMatchObject({ reason: 'json_syntax', recordNumber: 1 })
    const item = await bench.quarantine.item(bench.owner.accountId, at(table), part?.id ?? 0)
    expect(item.history).toMatchObject([{ what: 'fixed' }, { what: 'replayed', reason: 'body_malformed' }])
    await fix(table, edit('{"a":', '{"a":2}'))
    expect(await replay(table)).toMatchObject({ released: 1, rows: 1 })
    expect(await bench.query('select a from rows order by a', table)).toEqual([{ a: '1' }, { a: '2' }, { a: '3' }])
  })

  it('reads a body as another format, where its sender named the wrong one', async () => {
    const table = 'renamed'
    await bench.send('a,b\n1,2\n', { table, format: 'parquet' })
    expect(await fix(table, same, { format: 'csv' })).toMatchObject({ changed: 1 })
    expect(await replay(table)).toMatchObject({ released: 1, rows: 1 })
  })

  it('gets back every one of very many records, those that were kept together, too', async () => {
    const table = 'many'
    const count = 2500
    const lines = Array.from({ length: count }, (_, n) => `{"n":${n},"bad":}`)
    expect(await bench.send(lines.join('\n'), { table })).toMatchObject({ accepted: 0, quarantined: count })
    expect(await left(table)).toHaveLength(100)
    await fix(table, edit('"bad":}', '"bad":0}'))
    const { next } = await fix(table, same)
    const last = await bench.quarantine.fix(
      bench.owner,
      at(table),
      {},
      { bytes: edit('"bad":}', '"bad":0}') },
      { after: next ?? 0, dryRun: false },
    )
    expect(last).toMatchObject({ matched: 1, changed: 1 })
    expect(await replay(table)).toMatchObject({ released: 1001, rows: count })
    expect(await bench.query('select count(distinct n)::int as n from rows', table)).toEqual([{ n: count }])
    expect(await left(table)).toEqual([])
  })

  it('gives way to whoever mends a record meanwhile', async () => {
    const table = 'race'
    for (let n = 0; n < 20; n += 1) await bench.send(`{"n":${n},"bad":}`, { table, uniqueId: `r${n}` })
    const mending = (async () => {
      for (let round = 0; round < 20; round += 1) await fix(table, edit('}', ' }'))
    })()
    await Promise.all([replay(table), replay(table), replay(table), mending])
    await fix(table, (old) => Buffer.from(old.toString().replace(/"bad":\s*\}/, '"bad":1}')))
    await Promise.all([replay(table), replay(table), replay(table)])
    expect(await bench.query('select count(*)::int as n, count(distinct n)::int as d from rows', table)).toEqual([
      { n: 20, d: 20 },
    ])
  })

  it('passes over records of before, of which nobody noted how to read them', async () => {
    const table = 'old'
    await bench.send('{"a":', { table })
    await bench.postgres.query(sql`update quarantine set format = null where table_name = ${table}`)
    expect(await replay(table)).toEqual({ released: 0, returned: 0, passedOver: 1, rows: 0 })
    await fix(table, edit('{"a":', '{"a":1}'), { format: 'ndjson' })
    expect(await replay(table)).toMatchObject({ released: 1, rows: 1 })
  })

  it('is confined to what was asked for', async () => {
    const table = 'some'
    await bench.send('{"a":}\n{"a":1,"a":1}', { table, uniqueId: 'one' })
    await bench.send('{"a":}', { table, uniqueId: 'two' })
    await fix(table, () => Buffer.from('{"a":1}'))
    expect(await replay(table, { reason: 'duplicate_key' })).toMatchObject({ released: 1 })
    expect(await replay(table, { uniqueId: 'two' })).toMatchObject({ released: 1 })
    const [entry] = await left(table)
    expect(await replay(table, { ids: [entry?.id ?? 0] })).toMatchObject({ released: 1 })
  })
})

describe('the quarantine', () => {
  it('counts by reason, and is emptied for good', async () => {
    const table = 'counted'
    await bench.send('{"a":}\n{"a":}\n{"a":1,"a":1}', { table })
    const { accountId } = bench.owner
    expect(await bench.quarantine.reasons(accountId, at(table))).toMatchObject([
      { reason: 'json_syntax', count: 2, bytes: 12 },
      { reason: 'duplicate_key', count: 1 },
    ])
    expect(await bench.quarantine.remove(accountId, at(table), { reason: 'json_syntax' })).toBe(2)
    expect(await bench.quarantine.count(accountId, at(table), {})).toMatchObject({ count: 1 })
  })

  it('keeps a long mended record as an object, and does not mend what is too long', async () => {
    const table = 'long'
    await bench.send(`{"text":"${'x'.repeat(100_000)}","a":}`, { table })
    await fix(table, edit('"a":}', '"a":1}'))
    expect(await replay(table)).toMatchObject({ released: 1, rows: 1 })
    await bench.send(Buffer.alloc(5 << 20, 'x'), { table, encoding: 'gzip' })
    expect(await fix(table, same)).toMatchObject({ matched: 1, changed: 0, tooLarge: 1 })
  })
})
