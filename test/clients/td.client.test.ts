import { execFile } from 'node:child_process'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

import { Encoder } from '@msgpack/msgpack'
import { TDClient } from 'td'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { makeTenant } from '../../src/api/testing/tenants.ts'
import type { Tenant } from '../../src/api/testing/tenants.ts'
import { openDoors } from '../support/doors.ts'
import type { Doors } from '../support/doors.ts'
import { clientsPython, runScript } from './python.ts'
import { recipe } from './recipes.ts'

let doors: Doors
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'biwa-td-'))
  doors = await openDoors()
})
afterAll(async () => {
  expect(doors.bugs).toEqual([])
  await doors.close()
  rmSync(folder, { recursive: true })
})

describe('td-client of Python', () => {
  let found: Record<string, unknown>
  beforeAll(async () => {
    const tenant = await makeTenant(doors.parts.access, 'python')
    const told = { url: doors.url, key: tenant.keys.full, writeKey: tenant.keys.import }
    found = (await runScript('td_tables.py', told)) as Record<string, unknown>
  })

  test('makes databases and tables, imports, and sees its rows', () => {
    expect(found).toMatchObject({
      status: 'ok',
      databases: [
        ['py_db', 0, 'administrator'],
        ['py_other', 0, 'administrator'],
      ],
      dated: true,
      empty: [],
      elapsed: 'float',
      count: 4,
      tail: [
        [1700000003, '/d'],
        [1700000002, '/c'],
        [1700000001, '/b'],
        [1700000000, '/a'],
      ],
      schema: [
        ['path', 'string'],
        ['code', 'long'],
      ],
      last: '2023-11-14 22:13:23+00:00',
      types: ['int', 'log', null],
      'new schema': [
        ['path', 'string'],
        ['code', 'long'],
      ],
      expire: 30,
      swapped: { logs: 0, others: 4 },
      moved: { py_db: ['logs'], py_other: ['others'] },
      deleted: 'log',
      'all gone': [],
    })
  })

  test('tells failures apart, and waits for none that would not pass', () => {
    expect(found).toMatchObject({
      exists: ['AlreadyExistsError', expect.stringContaining('exists already')],
      'table exists': ['AlreadyExistsError', expect.stringContaining('exists already')],
      missing: ['NotFoundError', expect.stringContaining('py_none')],
      'no table': ['NotFoundError', expect.stringContaining('py_db.none')],
      gone: ['NotFoundError', expect.stringContaining('py_db.logs')],
      'bad name': ['APIError', expect.stringContaining('422')],
      'bad schema': ['APIError', expect.stringContaining('no type')],
      forbidden: ['ForbiddenError', expect.stringContaining('may not change')],
      unknown: ['AuthError', expect.stringContaining('key')],
    })
  })
})

describe('td of npm', () => {
  let tenant: Tenant
  beforeAll(async () => {
    tenant = await makeTenant(doors.parts.access, 'node')
  })

  test('makes databases and tables, imports in pieces, and sees its rows', async () => {
    const client = connect(tenant.keys.full)
    const call = calls(client)
    expect(await call.serverStatus()).toEqual({ status: 'ok' })
    await call.createDatabase('node_db')
    await call.createLogTable('node_db', 'logs')
    await call.createLogTable('node_db', 'others')
    await call.updateSchema('node_db', 'logs', { schema: [['path', 'string']] })

    const file = join(folder, 'rows.msgpack.gz')
    const encoder = new Encoder()
    writeFileSync(file, gzipSync(encoder.encode({ time: 1700000000, path: '/a' })))
    for (let times = 0; times < 2; times += 1) {
      const answer = await call.import('node_db', 'logs', 'msgpack.gz', createReadStream(file), 1, 'once')
      expect(JSON.parse(answer as string)).toMatchObject({ unique_id: 'once', database: 'node_db', table: 'logs' })
    }
    await call.import('node_db', 'logs', 'msgpack.gz', createReadStream(file), 1, null)
    await expect.poll(async () => rowsOf(await call.listTables('node_db'))).toEqual({ logs: 2, others: 0 })
    expect(await call.tail('node_db', 'logs')).toContain('/a')

    await call.swapTable('node_db', 'logs', 'others')
    expect(rowsOf(await call.listTables('node_db'))).toEqual({ logs: 0, others: 2 })
    expect(await call.deleteTable('node_db', 'logs')).toEqual({ database: 'node_db', table: 'logs', type: 'log' })
    expect(await call.listDatabases()).toMatchObject({ databases: [{ name: 'node_db', count: 1 }] })
    await call.deleteDatabase('node_db')
  })

  test('hears what is wrong', async () => {
    const call = calls(connect(tenant.keys.full))
    await expect(call.listTables('node_none')).rejects.toThrow('"node_none" does not exist')
    await expect(call.createDatabase('a')).rejects.toThrow('cannot be the name of a database')
    await expect(call.createItemTable('node_none', 'items')).rejects.toThrow('Use the type log')
    await expect(calls(connect(tenant.keys.import)).createDatabase('node_db')).rejects.toThrow('may not change')
    await expect(calls(connect('1/none')).listDatabases()).rejects.toThrow('API key')
  })
})

const run = promisify(execFile)

const connect = (key: string) => new TDClient(key, { host: doors.url.replace('http://', ''), protocol: 'http' })

const rowsOf = (answer: unknown): Record<string, number> =>
  Object.fromEntries(
    (answer as { tables: { name: string; count: number }[] }).tables.map(({ name, count }) => [name, count]),
  )

/** The client's own methods, as promises. */
function calls(client: TDClient) {
  return {
    serverStatus: promisify(client.serverStatus.bind(client)),
    listDatabases: promisify(client.listDatabases.bind(client)),
    createDatabase: promisify(client.createDatabase.bind(client)),
    deleteDatabase: promisify(client.deleteDatabase.bind(client)),
    listTables: promisify(client.listTables.bind(client)),
    createLogTable: promisify(client.createLogTable.bind(client)),
    createItemTable: promisify(client.createItemTable.bind(client)),
    swapTable: promisify(client.swapTable.bind(client)),
    updateSchema: promisify(client.updateSchema.bind(client)),
    deleteTable: promisify(client.deleteTable.bind(client)),
    tail: promisify(client.tail.bind(client)),
    import: promisify(client.import.bind(client)),
  }
}

describe('recipes', () => {
  const inFolder = (name: string) => join(folder, name)

  test('run as they are written', async () => {
    const { keys } = await makeTenant(doors.parts.access, 'recipes')
    writeFileSync(inFolder('signups.json'), '{"time":1700000000,"plan":"free"}\n{"time":1700000001,"plan":"free"}\n')
    const python = recipe('td-client-python', 'python', {
      'https://biwa.example': doors.url,
      'YOUR-API-KEY': keys.full,
      'signups.json': inFolder('signups.json'),
    })
    await run(await clientsPython(), ['-c', python])
    const call = calls(connect(keys.full))
    await expect.poll(async () => rowsOf(await call.listTables('web_site'))).toEqual({ signups: 2 })
    await call.deleteDatabase('web_site')

    writeFileSync(inFolder('signups.msgpack.gz'), gzipSync(new Encoder().encode({ time: 1700000000, plan: 'free' })))
    const node = recipe('td-node', 'js', {
      "'https'": "'http'",
      'biwa.example': doors.url.replace('http://', ''),
      'YOUR-API-KEY': keys.full,
      'signups.msgpack.gz': inFolder('signups.msgpack.gz'),
    })
    await run(process.execPath, ['--input-type=module', '--eval', node], { cwd: import.meta.dirname })
    await expect.poll(async () => rowsOf(await call.listTables('web_site'))).toEqual({ signups: 1 })
  })
})
