import { afterAll, beforeAll, expect, test } from 'vitest'

import type { TestDatabase } from '../../../test/support/postgres.ts'
import { openTestDatabase } from '../../../test/support/postgres.ts'
import { openPostgres, pgCode, sql } from './postgres.ts'
import type { Queryable } from './postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await openTestDatabase()
  await database.postgres.query(sql`create table notes (id bigint primary key, text text)`)
})
afterAll(() => database.close())

const backendOf = async (tx: Queryable): Promise<number> =>
  (await tx.query<{ pid: number }>(sql`select pg_backend_pid() as pid`))[0]?.pid ?? 0

const terminate = (pid: number): Promise<unknown> => database.postgres.query(sql`select pg_terminate_backend(${pid})`)

test('fragments nest and parameters are numbered in order', async () => {
  const condition = sql`a > ${1} and b = ${'x'}`
  const rows = await database.postgres.query(
    sql`select * from (values (1, 'x'), (2, 'x'), (3, 'y')) as t (a, b) where ${condition} and a < ${9}`,
  )
  expect(rows).toEqual([{ a: 2, b: 'x' }])
})

test('reads bigint as a number, and refuses to round one', async () => {
  expect(await database.postgres.query(sql`select 9007199254740991::bigint as n`)).toEqual([
    { n: Number.MAX_SAFE_INTEGER },
  ])
  await expect(database.postgres.query(sql`select 9007199254740993::bigint as n`)).rejects.toThrow('9007199254740993')
})

test('keeps all of a transaction or nothing', async () => {
  const { postgres } = database
  await postgres.transaction((tx) => tx.query(sql`insert into notes values (1, 'kept')`))
  const failing = postgres.transaction(async (tx) => {
    await tx.query(sql`insert into notes values (2, 'lost')`)
    await tx.query(sql`insert into notes values (1, 'double')`)
  })
  expect(pgCode(await failing.catch((error: unknown) => error))).toBe('23505')
  expect(await postgres.query(sql`select id from notes`)).toEqual([{ id: 1 }])
})

test('a connection that is lost in a transaction is database_unavailable, and harms nobody else', async () => {
  const { postgres } = database
  const lost = postgres.transaction(async (tx) => {
    await tx.query(sql`insert into notes values (3, 'lost')`)
    await terminate(await backendOf(tx))
    // Two at once: the second must not run outside of the transaction.
    await Promise.allSettled([tx.query(sql`select 1`), tx.query(sql`insert into notes values (4, 'astray')`)])
    await tx.query(sql`select 1`)
  })
  await expect(lost).rejects.toMatchObject({ code: 'database_unavailable' })
  expect(await postgres.query(sql`select id from notes where id in (3, 4)`)).toEqual([])
})

test('a server that cannot be reached is database_unavailable', async () => {
  for (const url of ['postgresql://a@127.0.0.1:1/a', 'postgresql://a@localhost/a?host=/nowhere']) {
    const opening = openPostgres({ url, connectionsMax: 1, applicationName: 'test' })
    await expect(opening).rejects.toMatchObject({ code: 'database_unavailable' })
  }
})

test('a full disk of the server is storage_full', async () => {
  const full = database.postgres.query(
    sql`do $$ begin raise exception 'no space left' using errcode = 'disk_full'; end $$`,
  )
  await expect(full).rejects.toMatchObject({ code: 'storage_full' })
})

test('hears notifications, and tells when some may have been missed', async () => {
  const { postgres } = database
  const heard: string[] = []
  let gaps = 0
  const notify = (payload: string): Promise<unknown> => postgres.query(sql`select pg_notify('news', ${payload})`)
  const stop = await postgres.listen(
    'news',
    (payload) => heard.push(payload),
    () => (gaps += 1),
  )
  await notify('one')
  await expect.poll(() => heard).toEqual(['one'])
  const [{ pid } = { pid: 0 }] = await postgres.query<{ pid: number }>(
    sql`select pid from pg_stat_activity where datname = current_database() and application_name = 'test listen'`,
  )
  await terminate(pid)
  await expect.poll(() => gaps).toBe(1)
  await notify('two')
  await expect.poll(() => heard).toEqual(['one', 'two'])
  await stop()
  await notify('three')
  expect(heard).toEqual(['one', 'two'])
})

test('listens on all channels over one connection, on each for as long as somebody hears', async () => {
  const listening = await openPostgres({ url: database.url, connectionsMax: 1, applicationName: 'many' })
  const connections = () =>
    database.postgres.query<{ pid: number }>(
      sql`select pid from pg_stat_activity where datname = current_database() and application_name = 'many listen'`,
    )
  const heard: string[] = []
  const hear = (channel: string, who = channel) =>
    listening.listen(
      channel,
      (payload) => heard.push(`${who} ${payload}`),
      () => heard.push(`${who} gap`),
    )
  const tell = (channel: string, payload: string) =>
    database.postgres.query(sql`select pg_notify(${channel}, ${payload})`)
  const [stopA, stopB] = await Promise.all([hear('a'), hear('b'), hear('b', 'other b')])
  await tell('a', '1')
  await tell('b', '1')
  await expect.poll(() => heard).toEqual(['a 1', 'b 1', 'other b 1'])
  await Promise.all([stopA(), stopB()])
  await tell('a', '2')
  await tell('b', '2')
  await expect.poll(() => heard.slice(3)).toEqual(['other b 2'])
  const [{ pid } = { pid: 0 }, ...more] = await connections()
  expect(more).toEqual([])
  await terminate(pid)
  await expect.poll(() => heard.slice(4)).toEqual(['other b gap'])
  await tell('b', '3')
  await expect.poll(() => heard.slice(5)).toEqual(['other b 3'])
  await listening.close()
  await expect.poll(connections).toEqual([])
})

test('can be closed twice, and then refuses', async () => {
  const postgres = await openPostgres({ url: database.url, connectionsMax: 1, applicationName: 'test' })
  await postgres.close()
  await postgres.close()
  await expect(postgres.query(sql`select 1`)).rejects.toThrow()
})
