import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { systemClock } from '../clock.ts'
import { forkArguments } from '../fork-arguments.ts'
import { openLog } from '../log.ts'
import { isAlive } from '../process-table.ts'
import { EmbeddedPostgres } from './embedded.ts'
import { openPostgres, sql } from './postgres.ts'
import { areWeRoot } from './server-user.ts'

let directory: string
const started: EmbeddedPostgres[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'biwa-embedded-'))
})
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop()
  await rm(directory, { recursive: true, force: true })
})

function embedded(settings: Record<string, string> = {}, dataDirectory = directory): EmbeddedPostgres {
  const log = openLog('silent')
  const server = new EmbeddedPostgres({
    dataDirectory,
    clock: systemClock,
    log,
    settings: { fsync: 'off', ...settings },
  })
  started.push(server)
  return server
}

async function ask<Row>(url: string, ...statements: ReturnType<typeof sql>[]): Promise<Row[]> {
  const postgres = await openPostgres({ url, connectionsMax: 1, applicationName: 'test' })
  try {
    let rows: Row[] = []
    for (const statement of statements) rows = await postgres.query<Row>(statement)
    return rows
  } finally {
    await postgres.close()
  }
}

test('keeps its data and its address from one start to the next', async () => {
  const first = embedded()
  await first.start()
  await ask(first.url, sql`create table kept (a bigint)`, sql`insert into kept values (9007199254740991)`)
  await first.stop()
  expect(first.pid).toBeUndefined()
  const second = embedded()
  await second.start()
  expect(second.url).toBe(first.url)
  expect(await ask(second.url, sql`select a from kept`)).toEqual([{ a: Number.MAX_SAFE_INTEGER }])
})

test('listens on a socket that nobody else may enter, and on no port', async () => {
  const server = embedded()
  await server.start()
  expect(await ask(server.url, sql`show listen_addresses`)).toEqual([{ listen_addresses: '' }])
  const stranger = new URL(server.url)
  stranger.password = 'guess'
  await expect(ask(stranger.href, sql`select 1`)).rejects.toThrow('password authentication failed')
})

test('comes back when it dies; statements meanwhile say that the database is unavailable', async () => {
  const server = embedded()
  await server.start()
  const postgres = await openPostgres({ url: server.url, connectionsMax: 1, applicationName: 'test' })
  await postgres.query(sql`create table kept (a integer)`)
  const { pid } = server
  process.kill(pid ?? 0, 'SIGKILL')
  const failures: unknown[] = []
  const attempt = (): Promise<unknown> => postgres.query(sql`select * from kept`).catch((error) => failures.push(error))
  // A session of the dead server may answer once more, so that the first answers prove nothing.
  while (server.pid === pid || server.pid === undefined) {
    await attempt()
    await systemClock.sleep(10)
  }
  await expect.poll(attempt).toEqual([])
  expect(failures.length).toBeGreaterThan(0)
  for (const failure of failures) expect(failure).toMatchObject({ code: 'database_unavailable' })
  await postgres.close()
})

test('comes back although a process of the dead server never ends by itself', async () => {
  const server = embedded()
  await server.start()
  const [{ checkpointer } = { checkpointer: 0 }] = await ask<{ checkpointer: number }>(
    server.url,
    sql`select pid as checkpointer from pg_stat_activity where backend_type = 'checkpointer'`,
  )
  const { pid } = server
  process.kill(checkpointer, 'SIGSTOP')
  process.kill(pid ?? 0, 'SIGKILL')
  await expect.poll(() => ask(server.url, sql`select 1 as one`)).toEqual([{ one: 1 }])
  expect(isAlive(checkpointer)).toBe(false)
})

interface Owner {
  readonly child: ChildProcess
  readonly server: { readonly pid: number; readonly url: string }
}

async function startOwner(): Promise<Owner> {
  const owner = new URL('testing/postgres-owner.ts', import.meta.url)
  const child = fork(owner, [directory], { execArgv: forkArguments(owner) })
  const [server] = (await once(child, 'message')) as [Owner['server']]
  await ask(server.url, sql`create table kept (a integer)`)
  return { child, server }
}

test('shuts itself down when its owner is killed', async () => {
  const { child, server } = await startOwner()
  child.kill('SIGKILL')
  await expect.poll(() => isAlive(server.pid)).toBe(false)
  await rm(new URL(server.url).searchParams.get('host') ?? '', { recursive: true })
})

test('takes over at once when its owner is killed', async () => {
  const { child, server } = await startOwner()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const next = embedded()
  await next.start()
  expect(isAlive(server.pid)).toBe(false)
  expect(next.url).toBe(server.url)
  expect(await ask(next.url, sql`select * from kept`)).toEqual([])
})

test('stops a server that was left over and did not shut itself down', async () => {
  const { child, server } = await startOwner()
  // A frozen owner neither closes the pipe to the guard nor starts its server again.
  child.kill('SIGSTOP')
  const next = embedded()
  await next.start()
  expect(next.pid).not.toBe(server.pid)
  expect(await ask(next.url, sql`select * from kept`)).toEqual([])
  child.kill('SIGKILL')
})

test('is not kept from starting by a pid file whose id now belongs to another process', async () => {
  const server = embedded()
  await server.start()
  const [{ data } = { data: '' }] = await ask<{ data: string }>(
    server.url,
    sql`select current_setting('data_directory') as data`,
  )
  const pidFile = await readFile(join(data, 'postmaster.pid'), 'utf8')
  await server.stop()
  await writeFile(join(data, 'postmaster.pid'), pidFile.replace(/^\d+/, String(process.pid)))
  await embedded().start()
})

test('begins anew where an earlier start was cut short', async () => {
  await mkdir(join(directory, 'postgres/data.unfinished/base'), { recursive: true })
  await embedded().start()
  expect(await readdir(join(directory, 'postgres'))).toEqual(['data', 'password'])
})

test('says what PostgreSQL said when it cannot start', async () => {
  await expect(embedded({ shared_buffers: 'nonsense' }).start()).rejects.toMatchObject({
    code: 'startup',
    message: expect.stringContaining('shared_buffers'),
  })
})

test('refuses the cluster of another major version', async () => {
  const server = embedded()
  await server.start()
  await server.stop()
  await writeFile(join(directory, 'postgres/data/PG_VERSION'), '9\n')
  await expect(embedded().start()).rejects.toMatchObject({
    code: 'startup',
    message: expect.stringContaining('made by PostgreSQL 9'),
  })
})

test.runIf(areWeRoot())('lies elsewhere when root alone can reach the data directory, and says where', async () => {
  const hidden = join(directory, 'data')
  await mkdir(hidden)
  const first = embedded({}, hidden)
  await first.start()
  const note = await readFile(join(hidden, 'postgres-is-elsewhere.txt'), 'utf8')
  const place = /^\/var\/lib\/biwa\/.+$/m.exec(note)?.[0] ?? ''
  try {
    await ask(first.url, sql`create table kept (a integer)`)
    await first.stop()
    const second = embedded({}, hidden)
    await second.start()
    expect(await ask(second.url, sql`select * from kept`)).toEqual([])
    await second.stop()
    await rm(place, { recursive: true })
    await expect(embedded({}, hidden).start()).rejects.toMatchObject({ message: expect.stringContaining(place) })
  } finally {
    expect(dirname(place)).toBe('/var/lib/biwa')
    await rm(place, { recursive: true, force: true })
  }
})
