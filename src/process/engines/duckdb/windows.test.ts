import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, expect, test } from 'vitest'

import { withSession } from '../../../base/duckdb/session.ts'
import { Windows } from './windows.ts'
import type { WindowTerms } from './windows.ts'

const folder = mkdtempSync(join(tmpdir(), 'biwa-windows-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const limits = { memoryBytes: 200e6, temporaryBytes: 1e9, threads: 2 }
const terms: WindowTerms = { owner: 'ours', windows: join(folder, 'windows'), limits }

async function file(name: string, value: number): Promise<string> {
  const path = join(folder, name)
  const fresh = { ...limits, spillDirectory: null }
  await withSession(fresh, (session) => session.run(`copy (select ${value} as a) to '${path}' (format parquet)`))
  return path
}

test('a query sees what is linked for it, and nothing else', async () => {
  const windows = new Windows()
  const [own, other] = [await file('own.parquet', 1), await file('other.parquet', 2)]
  const link = await windows.within(terms, 'in a transaction', async (window) => {
    const path = window.link(own)
    expect(await window.session.rows(`select a from read_parquet('${path}')`)).toEqual([[1]])
    return path
  })
  for (const path of [other, own, `${terms.windows}/../other.parquet`, '/etc/hostname']) {
    const reading = windows.within(terms, 'in a transaction', ({ session }) =>
      session.rows(`select * from read_blob('${path}')`),
    )
    await expect(reading).rejects.toThrow(/disabled by configuration/)
  }
  expect(existsSync(link)).toBe(false)
  expect(existsSync(own)).toBe(true)
})

test('what a query leaves behind goes with it', async () => {
  const windows = new Windows()
  await windows.within(terms, 'in a transaction', async ({ session }) => {
    await session.run(
      `create schema web; create table web.t (a int); create temp macro f() as 1; set search_path = 'web'`,
    )
    await session.run('insert into t values (f())')
  })
  await windows.within(terms, 'in a transaction', async ({ session }) => {
    expect(await session.rows('select table_name from duckdb_tables()')).toEqual([])
    expect(await session.rows("select current_schema(), current_setting('lock_configuration')")).toEqual([
      ['main', true],
    ])
    await expect(session.rows('select f()')).rejects.toThrow(/does not exist/)
  })
})

test('an instance serves one owner, under the same limits, until a query fails in it', async () => {
  const windows = new Windows()
  const directoryOf = (of: WindowTerms) =>
    windows.within(of, 'in a transaction', async ({ session }) => {
      const [row] = await session.rows("select current_setting('allowed_directories')::varchar")
      return String(row)
    })
  const first = await directoryOf(terms)
  expect(await directoryOf(terms)).toBe(first)
  expect(await directoryOf({ ...terms, owner: 'theirs' })).not.toBe(first)
  expect(await directoryOf({ ...terms, limits: { ...limits, threads: 1 } })).not.toBe(first)
  expect(await directoryOf({ ...terms, integerDivision: true })).not.toBe(first)
  expect(await directoryOf(terms)).toBe(first)
  await expect(windows.within(terms, 'in a transaction', ({ session }) => session.run('select x'))).rejects.toThrow(
    /not found/,
  )
  expect(await directoryOf(terms)).not.toBe(first)
})

test('a few instances are kept, and the directories of those alone', async () => {
  const windows = new Windows()
  const mine = { ...terms, windows: join(folder, 'few') }
  for (let owner = 0; owner < 10; owner += 1) {
    await windows.within({ ...mine, owner: String(owner) }, 'without a transaction', ({ session }) =>
      session.run('select 1'),
    )
  }
  expect(readdirSync(mine.windows)).toHaveLength(4)
})

test('directories of processes that are gone are removed, and those of others stay', async () => {
  const mine = { ...terms, windows: join(folder, 'left') }
  const names = [`${2 ** 22 + 1}.1`, `${process.ppid}.1`, `${process.pid}.7`]
  for (const name of names) {
    mkdirSync(join(mine.windows, name), { recursive: true })
    writeFileSync(join(mine.windows, name, '1.parquet'), 'left')
  }
  await new Windows().within(mine, 'in a transaction', ({ session }) => session.run('select 1'))
  expect(readdirSync(mine.windows)).toEqual([`${process.pid}.1`, `${process.ppid}.1`].toSorted())
})
