import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { TDClient } from 'td'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { makeTenant } from '../../src/api/testing/tenants.ts'
import { openDoors } from '../support/doors.ts'
import type { Doors } from '../support/doors.ts'
import { clientsPython, runScript } from './python.ts'
import { recipe } from './recipes.ts'

let doors: Doors

beforeAll(async () => {
  doors = await openDoors()
})
afterAll(async () => {
  expect(doors.bugs).toEqual([])
  await doors.close()
})

describe('td-client and pytd', () => {
  let seen: Record<string, unknown>
  beforeAll(async () => {
    const { keys } = await makeTenant(doors.parts.access, 'jobs')
    seen = (await runScript('td_jobs.py', { url: doors.url, apikey: keys.full })) as Record<string, unknown>
  })

  const rows = [
    [1, 'ü'],
    [2, null],
  ]

  test('query, and read results in each of their ways', () => {
    const schema = [
      ['a', 'bigint'],
      ['b', 'varchar'],
    ]
    expect(seen).toMatchObject({
      query: ['success', 'presto', 'queries', 2, schema, null],
      rows,
      'as json': rows,
      'as msgpack': rows,
      'in ranges': rows,
      size: [true, true],
      made: ['success', 'HIGH', 1],
    })
  })

  test('are told what is wrong, and where', () => {
    expect(seen).toMatchObject({
      failed: [
        'error',
        [expect.stringContaining('line 2:3: '), '  m from t', '  ^', expect.stringContaining('Hint: ')],
      ],
      'no result': expect.any(String),
      'no job': ['NotFoundError', expect.stringContaining('999999')],
      'no database': ['NotFoundError', expect.stringContaining('nowhere')],
      'not yet': ['APIError', expect.stringContaining('mysql')],
      taken: ['AlreadyExistsError', expect.stringContaining('once')],
    })
  })

  test('list jobs, kill them, export results and run schedules', () => {
    expect(seen).toMatchObject({
      waiting: ['queued', true],
      killed: ['queued', 'killed'],
      listed: true,
      exported: ['success', [[5]]],
      schedule: [0, [['daily', '@daily', 'presto', 'queries']]],
      ran: [2, [[1_700_000_000]], '2023-11-15 00:00:00+00:00'],
      history: ['success', 'presto'],
      deleted: ['@daily', 'select td_scheduled_time()'],
    })
  })

  test('query with pytd by the paths of REST', () => {
    expect(seen).toMatchObject({
      pytd: { columns: ['n', 's'], data: [[7, 'x']] },
      'pytd with options': { columns: ['two'], data: [[2]] },
    })
  })
})

test('the recipe of pytd queries', async () => {
  const { principal, keys } = await makeTenant(doors.parts.access, 'recipe')
  await doors.parts.store.createDatabase(principal.accountId, 'web')
  await doors.parts.store.createTable(principal.accountId, 'web', 'logs')
  const program = recipe('pytd', 'python', { '1/…': keys.full, 'https://biwa.example.com': doors.url })
  const { stdout } = await promisify(execFile)(await clientsPython(), ['-c', program])
  expect(stdout.trim()).toBe("['n'] [[0]]")
})

test('td of npm queries, reads results, and runs schedules', async () => {
  const { keys } = await makeTenant(doors.parts.access, 'node')
  const client = new TDClient(keys.full, { host: doors.url.replace('http://', ''), protocol: 'http' })
  const call = {
    createDatabase: promisify(client.createDatabase.bind(client)),
    prestoQuery: promisify(client.prestoQuery.bind(client)),
    hiveQuery: promisify(client.hiveQuery.bind(client)),
    showJob: promisify(client.showJob.bind(client)),
    jobResult: promisify(client.jobResult.bind(client)),
    listJobs: promisify(client.listJobs.bind(client)),
    kill: promisify(client.kill.bind(client)),
    createSchedule: promisify(client.createSchedule.bind(client)),
    runSchedule: promisify(client.runSchedule.bind(client)),
    deleteSchedule: promisify(client.deleteSchedule.bind(client)),
  }
  const finished = async (id: string): Promise<void> => {
    for (;;) {
      const { status } = (await call.showJob(id)) as { status: string }
      if (status === 'success') return
      expect(['queued', 'booting', 'running']).toContain(status)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  await call.createDatabase('node')
  const { job_id: id } = (await call.prestoQuery('node', 'select 1 as a')) as { job_id: string }
  await finished(id)
  expect(String(await call.jobResult(id, 'csv')).trim()).toBe('1')
  expect(await call.kill(id)).toEqual({ former_status: 'success', job_id: id })
  const hive = (await call.hiveQuery('node', 'select 2 as b', { priority: 1 })) as { job_id: string }
  await finished(hive.job_id)
  expect(await call.listJobs(0)).toMatchObject({
    jobs: [{ job_id: hive.job_id, type: 'hive', priority: 1 }, { job_id: id }],
  })
  const options = { cron: '@daily', query: 'select 3', database: 'node', type: 'presto' }
  expect(await call.createSchedule('nodes', options)).toMatchObject({
    name: 'nodes',
    start: expect.any(String) as string,
  })
  // The client makes every schedule one of Hive's.
  expect(await call.runSchedule('nodes', 1_700_000_000)).toMatchObject({ jobs: [{ type: 'hive' }] })
  expect(await call.deleteSchedule('nodes')).toMatchObject({ name: 'nodes', cron: '@daily' })
})
