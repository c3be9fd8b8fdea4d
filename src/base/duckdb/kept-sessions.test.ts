import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { KeptSessions } from './kept-sessions.ts'
import type { SessionLimits } from './session.ts'

let folder: string
const limits = (name: string): SessionLimits => ({
  memoryBytes: 64 * 2 ** 20,
  threads: 1,
  temporaryBytes: 2 ** 30,
  spillDirectory: join(folder, name),
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-kept-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('one instance serves one task after the other, each with its limits', async () => {
  const kept = new KeptSessions()
  await kept.lend(limits('one'), (session) => session.run('create table first (a int)'))
  const settings = ['threads', 'temp_directory'].map((name) => `current_setting('${name}')::varchar`)
  const [found] = await kept.lend({ ...limits('two'), threads: 2 }, (session) =>
    session.rows(`select ${settings.join(', ')}, (select count(*) from duckdb_tables())::int`),
  )
  expect(found).toEqual(['2', join(folder, 'two'), 1])
})

test('tasks at one time have one each', async () => {
  const kept = new KeptSessions()
  const take = (name: string) => kept.lend(limits(name), (session) => session.rows('create table mine (a int)'))
  await Promise.all([take('one'), take('two')])
})

test('a task meets nothing of one that failed', async () => {
  const kept = new KeptSessions()
  const failing = kept.lend(limits('one'), async (session) => {
    await session.run('create table left_over (a int)')
    await session.run('select * from missing')
  })
  await expect(failing).rejects.toThrow('missing')
  expect(await kept.lend(limits('one'), (session) => session.rows('from duckdb_tables()'))).toEqual([])
})

test('a task that spilled is followed by one that spills elsewhere', async () => {
  const kept = new KeptSessions()
  const sort = (name: string) =>
    kept.lend({ ...limits(name), memoryBytes: 24 * 2 ** 20 }, async (session) => {
      const tables = await session.rows('select table_name from duckdb_tables()')
      await session.run(`create table ${name} as select i from range(2000000) r(i) order by hash(i)`)
      await session.run(`truncate ${name}`)
      return tables
    })
  expect(await sort('one')).toEqual([])
  // It is another instance: the first cannot change its directory any more.
  expect(await sort('two')).toEqual([])
})
