import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'
import { TDClient } from 'td'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { makeTenant } from '../../src/api/testing/tenants.ts'
import type { Tenant } from '../../src/api/testing/tenants.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openDoors } from '../support/doors.ts'
import type { Doors } from '../support/doors.ts'
import { readResult } from '../support/read-result.ts'
import type { QueryOutput } from '../../src/process/process.ts'
import { runScript } from './python.ts'

let doors: Doors
let tenant: Tenant

beforeAll(async () => {
  doors = await openDoors()
  tenant = await makeTenant(doors.parts.access, 'bulk')
})
afterAll(() => doors.close())

async function rows(sql: string): Promise<unknown[][]> {
  const { process, jobs, objects } = doors.parts
  const { job } = await process.submitQuery(tenant.principal, { sql, database: null })
  const done = await jobs.wait(tenant.principal.accountId, job.id, 300_000)
  expect(done.error).toBeNull()
  return await readResult(objects, done.output as QueryOutput)
}

describe('td-client and pytd', () => {
  it('import in bulk, and manage users and keys', async () => {
    const seen = await runScript('td_bulk.py', { url: doors.url, apikey: tenant.keys.full })
    expect(seen).toMatchObject({
      fresh: ['uploading', false, null],
      parts: ['lines', 'one'],
      frozen: true,
      ready: ['ready', 2, 1, 2, 0, true],
      errors: [['one', 1, 'time', { time: 'never', a: 2 }]],
      committed: 'committed',
      listed: ['session'],
      left: [],
      missing: expect.stringContaining('session'),
      twice: true,
      users: [
        ['bulk', 'bulk@example.com'],
        ['Ada', 'ada@example.com'],
      ],
      keys: 1,
      'keys left': 0,
      'databases of ada': 0,
      refused: true,
      'users left': 1,
      connectors: [],
      guess: expect.stringContaining('422'),
      result: expect.stringContaining('422'),
      export: expect.stringContaining('Iceberg'),
    })
    expect(await rows('select time, a, b from bulk.whole order by time')).toEqual([
      ['1600000000', '1', null],
      ['1600000001', '3', 'x'],
    ])
    // The strings of digits are guessed to be numbers by td-client, when it reads the CSV that pytd wrote.
    expect(await rows('select time, n, count(*) from bulk.from_csv group by all order by time')).toEqual([
      ['1600000000', '1', '1'],
      ['1600000001', '2', '1'],
    ])
    expect(await rows('select name, list from bulk.from_msgpack order by time')).toEqual([
      ['00012', '[1,2]'],
      ['b', '[3]'],
    ])
  })
})

describe('the client of Node', () => {
  it('imports in bulk, without a freeze', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'biwa-node-'))
    const file = join(folder, 'part.msgpack.gz')
    writeFileSync(file, gzipSync(Buffer.concat([encode({ time: 1, n: 1 }), encode({ time: 2, n: 2 })])))
    const { store } = doors.parts
    await store.createDatabase(tenant.principal.accountId, 'node', { ifNotExists: true })
    await store.createTable(tenant.principal.accountId, 'node', 'bulk', { ifNotExists: true })
    const client = new TDClient(tenant.keys.full, { host: new URL(doors.url).host, protocol: 'http' })
    const asked = (ask: (callback: (error: Error | null, answer: unknown) => void) => void) =>
      new Promise<unknown>((resolve, reject) => {
        ask((error, answer) => (error === null ? resolve(answer) : reject(error)))
      })
    const until = async (status: string): Promise<void> => {
      for (;;) {
        const shown = await asked((done) => client.showBulkImport('of_node', done))
        if ((shown as { status: string }).status === status) return
        await systemClock.sleep(50)
      }
    }
    await asked((done) => client.createBulkImport('of_node', 'node', 'bulk', done))
    await asked((done) => client.bulkImportUploadPart('of_node', 'part', createReadStream(file), done))
    await asked((done) => client.bulkImportUploadPart('of_node', 'other', createReadStream(file), done))
    await asked((done) => client.bulkImportDeletePart('of_node', 'other', done))
    expect(await asked((done) => client.listBulkImportParts('of_node', done))).toMatchObject({ parts: ['part'] })
    const performed = await asked((done) => client.performBulkImport('of_node', done))
    expect(performed).toMatchObject({ job_id: expect.any(Number) })
    await until('ready')
    await asked((done) => client.commitBulkImport('of_node', done))
    await until('committed')
    const listed = await asked((done) => client.listBulkImports(done))
    expect(JSON.stringify(listed)).toContain('"valid_records":2')
    await asked((done) => client.deleteBulkImport('of_node', done))
    await expect(asked((done) => client.showBulkImport('of_node', done))).rejects.toThrow('of_node')
    expect(await rows('select sum(n) from node.bulk')).toEqual([['3']])
    rmSync(folder, { recursive: true })
  })
})

it('nobody met a bug', () => expect(doors.bugs).toEqual([]))
