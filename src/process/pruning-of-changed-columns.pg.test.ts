import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { ColumnChange } from '../store/store.ts'
import { parseType } from '../store/types.ts'
import { inProcessEngines } from './testing/in-process-engines.ts'
import type { QueryBench } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

let bench: QueryBench

beforeAll(async () => {
  bench = await openQueryBench(inProcessEngines())
})
afterAll(() => bench.close())

async function load(name: string): Promise<void> {
  const columns = [
    { name: 'code', type: parseType('varchar') },
    { name: 'n', type: parseType('bigint') },
  ]
  const ofHour = (hour: number) =>
    `select ${hour * 3600} + i as time, (${hour} * 100 + i)::varchar as code, ${hour} * 100 + i as n from range(10) r(i)`
  await bench.load(name, columns, [0, 1, 2, 3].map(ofHour))
}

const answer = async (text: string) => {
  const { values, statistics } = await bench.query(text)
  return { values, opened: statistics.scans[0]?.chunksOpened, fromMetadata: statistics.fromMetadata }
}

const alter = (name: string, change: ColumnChange) =>
  bench.store.alterColumns(bench.owner.accountId, { database: 'web', name }, [change])

describe('chunks from before a change of the columns', () => {
  test('are kept where the type of the column was changed, and counted by a run', async () => {
    await load('retyped')
    expect(await answer(`select count(*) from retyped where code = '205'`)).toMatchObject({
      values: [['1']],
      opened: 2,
    })
    await alter('retyped', { kind: 'change_type', name: 'code', type: parseType('bigint') })
    expect(await answer('select count(*) from retyped where code = 205')).toMatchObject({ values: [['1']], opened: 4 })
    expect(await answer('select max(code), count(code) from retyped')).toMatchObject({
      values: [['309', '40']],
      fromMetadata: false,
    })
    expect(await answer('select count(*) from retyped where n = 205')).toMatchObject({ values: [['1']], opened: 1 })
  })

  test('are left out by the statistics of a column that has another name now', async () => {
    await load('renamed')
    await alter('renamed', { kind: 'rename_column', name: 'n', to: 'number' })
    expect(await answer('select count(*) from renamed where number = 205')).toMatchObject({
      values: [['1']],
      opened: 1,
    })
    expect(await answer('select max(number) from renamed')).toMatchObject({ values: [['309']], fromMetadata: true })
  })
})

describe('DELETE', () => {
  test('leaves chunks alone whose statistics say that no row goes', async () => {
    await load('deleted')
    expect(await bench.query('delete from deleted where n between 203 and 204')).toMatchObject({ rows: 2 })
    expect(await answer('select count(*), max(n) from deleted')).toMatchObject({
      values: [['38', '309']],
      fromMetadata: true,
    })
    expect(await answer('select count(*), sum(n) from deleted where n > 200 and n < 210')).toMatchObject({
      values: [['7', String([201, 202, 205, 206, 207, 208, 209].reduce((sum, n) => sum + n, 0))]],
      opened: 1,
    })
  })
})
