import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'

import type { SessionLimits } from '../../../base/duckdb/session.ts'
import { lockDown } from '../../../base/duckdb/session.ts'
import { FreshSessions } from './fresh-sessions.ts'

const limits: SessionLimits = {
  memoryBytes: 200 * 2 ** 20,
  threads: 2,
  temporaryBytes: 2 ** 20,
  spillDirectory: '/tmp',
}

test('nobody meets what another query left behind, however quickly they follow', async () => {
  const fresh = new FreshSessions()
  const leave = (name: string) =>
    fresh.lend(limits, async (session) => {
      const found = await session.rows('select table_name from duckdb_tables()')
      const isLocked = await session.rows("select current_setting('lock_configuration')")
      await session.run(`create table ${name} (a int)`)
      await lockDown(session, [])
      return [...found, ...isLocked]
    })
  const clean = [[false]]
  expect(await leave('one')).toEqual(clean)
  expect(await Promise.all([leave('two'), leave('three'), leave('four')])).toEqual([clean, clean, clean])
  await setImmediate()
  expect(await Promise.all([leave('five'), leave('six')])).toEqual([clean, clean])
  const failing = fresh.lend(limits, () => Promise.reject(new Error('the query failed')))
  await expect(failing).rejects.toThrow('the query failed')
  expect(await leave('seven')).toEqual(clean)
})

test('each query has its own limits', async () => {
  const fresh = new FreshSessions()
  const settings = (of: SessionLimits) =>
    fresh.lend(of, async (session) => {
      const names = ['threads', 'memory_limit', 'max_temp_directory_size', 'temp_directory']
      return await session.rows(`select ${names.map((name) => `current_setting('${name}')::varchar`).join(', ')}`)
    })
  expect(await settings(limits)).toEqual([['2', '200.0 MiB', '1.0 MiB', '/tmp']])
  await setImmediate()
  const others = { memoryBytes: 2 ** 30, threads: 1, temporaryBytes: 2 ** 21, spillDirectory: '/var/tmp' }
  expect(await settings(others)).toEqual([['1', '1.0 GiB', '2.0 MiB', '/var/tmp']])
})
