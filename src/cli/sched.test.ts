import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { readMoment } from './moments.ts'
import { run } from './run.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import type { FakeTerminalOptions } from './testing/fake-terminal.ts'
import { scriptedServer } from './testing/scripted-server.ts'
import type { ReceivedRequest, ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer
let answer: (request: ReceivedRequest) => unknown
beforeEach(async () => {
  server = await scriptedServer((request) => ({ body: answer(request) }))
})
afterEach(() => server.close())

async function sched(words: readonly string[], options: FakeTerminalOptions = {}) {
  const environment = { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef', ...options.environment }
  const terminal = fakeTerminal({ ...options, environment })
  const code = await run(['sched', ...words], terminal)
  return { code, output: terminal.output(), errors: terminal.errors() }
}

const sent = () => server.requests.map(({ method, path }) => `${method} ${path.replace('/api/v1/schedules', '')}`)
const bodies = () =>
  server.requests.map(({ body }) => (body.length === 0 ? null : (JSON.parse(body.toString()) as unknown)))

const nightly = {
  id: 1,
  name: 'nightly',
  cron: '30 2 * * *',
  timezone: 'Europe/Berlin',
  sql: 'select\n  1',
  database: 'web',
  next_time: '2026-03-29T01:00:00.000Z',
  paused_at: null,
}
const nothing = { items: [], next_cursor: null }

describe('making and changing', () => {
  test('sends what was given, and tells the next time as its clocks will show it', async () => {
    answer = () => nightly
    const { code, output, errors } = await sched(
      [
        'create',
        'nightly',
        '30 2 * * *',
        'select 1',
        '-t',
        'Europe/Berlin',
        '-D',
        '60',
        '--catch-up',
        'last',
        '-P',
        '-1',
      ],
      { environment: { BIWA_DATABASE: 'web' } },
    )
    expect({ code, output }).toEqual({ code: 0, output: '' })
    expect(errors).toContain('Made nightly. Its next time is 2026-03-29 03:00:00 GMT+2')
    expect(sent()).toEqual(['POST '])
    expect(bodies()).toEqual([
      {
        name: 'nightly',
        cron: '30 2 * * *',
        sql: 'select 1',
        database: 'web',
        timezone: 'Europe/Berlin',
        delay_seconds: 60,
        catch_up: 'last',
        priority: -1,
      },
    ])
  })

  test('reads SQL from a file or standard input, and has schedules without a cron', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'biwa-sched-'))
    await writeFile(join(folder, 'query.sql'), 'select 2')
    answer = () => ({ ...nightly, cron: null, next_time: null })
    expect((await sched(['create', 'a b', 'none', '--file', join(folder, 'query.sql')])).errors).toContain(
      'only runs by hand',
    )
    expect((await sched(['create', 'a b', 'none'], { input: 'select 3' })).code).toBe(0)
    expect(bodies()).toMatchObject([
      { cron: null, sql: 'select 2', database: null },
      { cron: null, sql: 'select 3' },
    ])
    await rm(folder, { recursive: true })
  })

  test('changes only what is given', async () => {
    answer = () => ({ ...nightly, paused_at: nightly.next_time, next_time: null })
    const words = ['update', 'a/b', '--new-name', 'c', '--cron', '@daily', '--timeout', '60', '--attempts', '1']
    const { errors } = await sched(words, { environment: { BIWA_DATABASE: 'not this' } })
    expect(errors).toContain('paused. biwa sched resume nightly')
    await sched(['update', 'a/b', 'select 5', '-d', 'other', '--take-over'])
    expect(sent()).toEqual(['PATCH /a%2Fb', 'PATCH /a%2Fb'])
    expect(bodies()).toEqual([
      { name: 'c', cron: '@daily', timeout_seconds: 60, attempts_max: 1 },
      { sql: 'select 5', database: 'other', take_over: true },
    ])
  })

  test.each([
    [['update', 'nightly'], 'Nothing to change'],
    [['create', 'nightly', '@daily'], 'no SQL'],
    [['create', 'nightly', '@daily', 'select 1', '--catch-up', 'some'], 'all, last, skip'],
    [['create', 'nightly', '@daily', 'select 1', '--priority', '3'], 'from -2 to 2'],
    [['delete', 'nightly'], 'Nobody is there to agree'],
    [['next'], 'name of a schedule, or a cron'],
    [['next', 'nightly', '--cron', '@daily'], 'name of a schedule, or a cron'],
    [['next', 'nightly', '-t', 'UTC'], '--timezone goes with --cron'],
    [['run', 'nightly', 'yesterday'], 'not a time'],
    [['backfill', 'nightly', '--from', '2026-01-01'], '--to'],
  ])('refuses %j', async (words, complaint) => {
    answer = () => nightly
    const { code, errors } = await sched(words)
    expect(code).toBe(2)
    expect(errors).toContain(complaint)
  })

  test('pauses, resumes and deletes', async () => {
    answer = () => nightly
    expect((await sched(['pause', 'nightly'])).errors).toContain('is paused. biwa sched resume nightly')
    expect((await sched(['resume', 'nightly'])).errors).toContain('Its next time is')
    expect((await sched(['delete', 'nightly', '--yes'])).errors).toContain('Deleted nightly')
    expect(sent()).toEqual(['POST /nightly/pause', 'POST /nightly/resume', 'GET /nightly', 'DELETE /nightly'])
  })
})

describe('looking', () => {
  test('lists schedules, each in a line', async () => {
    answer = () => ({ items: [nightly], next_cursor: null })
    const { output } = await sched(['list'])
    expect(output).toBe(
      'name\tcron\ttimezone\tnext_time\tpaused_at\tdatabase\tsql\n' +
        'nightly\t30 2 * * *\tEurope/Berlin\t2026-03-29T01:00:00.000Z\t\tweb\tselect 1\n',
    )
    answer = () => nightly
    expect(JSON.parse((await sched(['show', 'nightly', '-f', 'ndjson'])).output)).toEqual(nightly)
  })

  test('tells the next times, and what clocks show then', async () => {
    const times = ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']
    answer = ({ path }) => (path.endsWith('/nightly') ? { ...nightly, paused_at: times[0] } : { times })
    const { output, errors } = await sched(['next', 'nightly', '--count', '2'])
    expect(errors).toContain('is paused')
    expect(output.split('\n').slice(1, 3)).toEqual([
      '2026-10-25T00:30:00.000Z\t2026-10-25 02:30:00 GMT+2',
      '2026-10-26T01:30:00.000Z\t2026-10-26 02:30:00 GMT+1',
    ])
    expect(server.requests.at(-1)?.query.get('count')).toBe('2')
    await sched(['next', '--cron', '@daily', '--timezone', 'Asia/Tokyo'])
    expect(sent().at(-1)).toBe('POST /preview')
    expect(bodies().at(-1)).toEqual({ cron: '@daily', timezone: 'Asia/Tokyo', count: 10 })
  })

  test('shows the history with its jobs', async () => {
    const job = { id: 7, state: 'error', error: { message: 'No.' } }
    const [started_at, finished_at] = ['2026-01-01T02:30:01Z', '2026-01-01T02:30:03.500Z']
    const items = [
      { scheduled_time: '2026-01-02T02:30:00Z', cause: 'run_now', job: null },
      { scheduled_time: '2026-01-01T02:30:00Z', cause: 'schedule', job: { ...job, started_at, finished_at } },
      { scheduled_time: '2025-12-31T02:30:00Z', cause: 'schedule', job: null },
    ]
    answer = () => ({ items, next_cursor: 'more' })
    const { output } = await sched(['history', 'nightly', '--limit', '2'])
    expect(output).toBe(
      'scheduled_time\tcause\tjob\tstate\tseconds\terror\n' +
        '2026-01-02T02:30:00Z\trun_now\t\t\t\t\n' +
        '2026-01-01T02:30:00Z\tschedule\t7\terror\t2.5\tNo.\n',
    )
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    [['list'], 'biwa sched create'],
    [['history', 'a b'], `biwa sched run 'a b'`],
  ])('%j says what to do where there is nothing', async (words, hint) => {
    answer = () => nothing
    const { code, errors } = await sched(words)
    expect(code).toBe(0)
    expect(errors).toContain(hint)
  })
})

describe('running', () => {
  test('prints the id of the job', async () => {
    answer = () => ({ scheduled_time: '2026-01-31T00:00:00.000Z', job: { id: 7, finished_at: null } })
    const { output, errors } = await sched(['run', 'nightly', '2026-01-31 09:00:00+09:00'])
    expect(output).toBe('7\n')
    expect(errors).toContain('biwa job wait 7')
    await sched(['run', 'nightly', '--again'])
    expect(bodies()).toEqual([{ scheduled_time: '2026-01-31T00:00:00.000Z' }, { again: true }])
    const finished = { id: 7, finished_at: '2026-01-31T00:00:00.000Z' }
    for (const [job, printed] of [
      [finished, '7\n'],
      [null, ''],
    ] as const) {
      answer = () => ({ scheduled_time: '2026-01-31T00:00:00.000Z', job })
      expect(await sched(['run', 'nightly'])).toMatchObject({
        output: printed,
        errors: /before. --again runs it once more/,
      })
    }
  })

  test('fills a range, or tells which times it would', async () => {
    const times = ['2026-01-01T01:30:00.000Z', '2026-01-02T01:30:00.000Z']
    answer = ({ path }) => (path.endsWith('/backfill') ? { times } : nightly)
    const range = ['backfill', 'nightly', '--from', '2026-01-01', '--to', '2026-01-03']
    const dry = await sched([...range, '--dry-run'])
    expect(dry.errors).toContain('Would run 2 times of nightly')
    expect(dry.output).toContain('2026-01-01 02:30:00 GMT+1')
    expect(await sched(range)).toMatchObject({ output: '', errors: /Runs 2 times of nightly. biwa sched history/ })
    const sentRange = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-03T00:00:00.000Z' }
    expect(bodies()).toEqual([{ ...sentRange, dry_run: true }, null, { ...sentRange, dry_run: false }])
    times.length = 0
    expect((await sched(range)).errors).toContain('has no times')
  })
})

test('people who come from td find it by its name there, and examples in its help', async () => {
  answer = () => nothing
  const terminal = fakeTerminal({ environment: { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef' } })
  expect(await run(['sched:list'], terminal)).toBe(0)
  expect(sent()).toEqual(['GET '])
  for (const words of [['--help'], ['create', '--help']]) {
    expect((await sched(words)).output).toMatch(/Examples:[^]*biwa sched create daily '0 2 \* \* \*'/)
  }
})

test.each([
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['2026-01-31 12:30', '2026-01-31T12:30:00.000Z'],
  ['2026-01-31T12:30:00', '2026-01-31T12:30:00.000Z'],
  ['2026-01-31T12:30:00Z', '2026-01-31T12:30:00.000Z'],
  ['2026-01-31 12:30:00 +09:00', '2026-01-31T03:30:00.000Z'],
])('the time %s is %s, wherever this runs', (text, moment) => {
  expect(readMoment('It', text)).toBe(moment)
})

test.each(['', 'now', '2026-13-01', '2026-02-30', '2026-01-31T25:00:00Z', '1767225600', '2026'])(
  '“%s” is no time',
  (text) => {
    expect(() => readMoment('It', text)).toThrow('not a time')
  },
)
