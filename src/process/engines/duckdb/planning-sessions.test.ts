import { describe, expect, test } from 'vitest'

import { timeColumn } from '../../../store/columns.ts'
import { planQuery } from '../../planning/plan.ts'
import { PlanningSessions } from './planning-sessions.ts'
import type { EngineTable, PlanInput } from './tasks.ts'

const text = (sql: string, more: Partial<PlanInput> = {}): PlanInput => ({
  sql,
  whole: sql,
  offset: 0,
  database: 'web',
  tables: [],
  explain: false,
  nowUs: 1_700_000_000_000_000,
  scheduledSeconds: 1_700_000_000,
  ...more,
})

function tableOf(...names: readonly string[]): EngineTable {
  const columns = names.map((name, index) => ({
    queryName: name,
    column: name === 'time' ? timeColumn : { fieldId: 10 + index, name, type: { kind: 'bigint' } as const },
  }))
  return { database: 'web', name: 'logs', columns }
}

describe('an instance that looks at one query after the other', () => {
  const sessions = new PlanningSessions()
  const columnsOf = async (input: PlanInput) => (await planQuery(input, sessions)).columns.map(({ name }) => name)

  test('forgets the tables of the one before', async () => {
    expect(await columnsOf(text('select * from logs', { tables: [tableOf('a', 'b')] }))).toEqual(['a', 'b'])
    expect(await columnsOf(text('select * from logs', { tables: [tableOf('c')] }))).toEqual(['c'])
    await expect(columnsOf(text('select * from logs'))).rejects.toMatchObject({ code: 'table_not_found' })
    await expect(columnsOf(text('select * from web.logs'))).rejects.toMatchObject({ code: 'table_not_found' })
  })

  test('forgets the moment, the macros and the database', async () => {
    const tables = [tableOf('time')]
    const rangesAt = async (nowUs: number) => {
      const sql =
        'select 1 from logs where to_timestamp(time) < now() and time > td_scheduled_time() - 10 * 365 * 86400'
      const { scans } = await planQuery(text(sql, { tables, nowUs }), sessions)
      return scans[0]?.ranges
    }
    const first = await rangesAt(1_700_000_000_000_000)
    expect(await rangesAt(1_600_000_000_000_000)).not.toEqual(first)
    expect(await rangesAt(1_700_000_000_000_000)).toEqual(first)
    await expect(columnsOf(text('select * from logs', { tables, database: null }))).rejects.toMatchObject({
      code: 'table_not_found',
    })
  })

  test('divides as each dialect does', async () => {
    const typeOf = async (integerDivision: boolean) => {
      const { columns } = await planQuery(text('select 7 / 2 as half', { integerDivision }), sessions)
      return columns[0]?.engineType
    }
    expect([await typeOf(true), await typeOf(false), await typeOf(true)]).toEqual(['INTEGER', 'DOUBLE', 'INTEGER'])
  })

  test('serves many at a time', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `c${index}`)
    const found = await Promise.all(
      names.map((name) => columnsOf(text('select * from logs', { tables: [tableOf(name)] }))),
    )
    expect(found).toEqual(names.map((name) => [name]))
  })

  test('cannot be set otherwise, nor look outside', async () => {
    await sessions.within({}, async (session) => {
      await expect(session.run("set timezone = 'Asia/Tokyo'")).rejects.toThrow('locked')
    })
    await expect(columnsOf(text("select * from read_text('/etc/hostname')"))).rejects.toMatchObject({
      code: 'statement_not_allowed',
    })
  })
})
