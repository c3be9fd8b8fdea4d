import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { runCli, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'

let biwa: Biwa
beforeAll(async () => {
  biwa = await startBiwa()
})
afterAll(() => biwa.stop())

interface Run {
  readonly scheduled_time: string
  readonly cause: string
  readonly job: { readonly id: number; readonly state: string }
}

async function runs(): Promise<Run[]> {
  const answer = await biwa.request('/api/v1/schedules/ticking/runs')
  return ((await answer.json()) as { items: Run[] }).items
}

it('a schedule that was made by the API fires each second, and its query knows for which', async () => {
  const body = JSON.stringify({ name: 'ticking', cron: '* * * * * *', sql: 'select td_scheduled_time() as at' })
  expect((await biwa.request('/api/v1/schedules', { method: 'POST', body })).status).toBe(201)
  const finished = async () => (await runs()).filter(({ job }) => job.state === 'success')
  while ((await finished()).length < 3) await sleep(200)
  expect((await biwa.request('/api/v1/schedules/ticking/pause', { method: 'POST' })).status).toBe(200)
  for (const { scheduled_time: time, cause, job } of await finished()) {
    expect(cause).toBe('schedule')
    const result = await biwa.request(`/api/v1/jobs/${job.id}/result?format=csv`)
    expect(await result.text()).toBe(`at\r\n${Date.parse(time) / 1000}\r\n`)
  }
  // Of a second that had its job there is no other one.
  const times = (await runs()).map(({ scheduled_time: time }) => time)
  expect(new Set(times).size).toBe(times.length)
  const metrics = await (await biwa.request('/metrics')).text()
  expect(metrics).toContain('biwa_schedules{state="paused"} 1')
  expect(metrics).toMatch(/biwa_schedules_fired_recent\{cause="schedule"\} [1-9]/)
})

it('the command line makes, runs, fills and looks back', async () => {
  const sched = async (...words: string[]) => {
    const { code, stdout, stderr } = await runCli(biwa, ['sched', ...words])
    expect(code, stderr).toBe(0)
    return stdout + stderr
  }
  const query = "select td_scheduled_time() - td_time_parse('2026-01-01', 'Asia/Tokyo') as at"
  const made = await sched('create', 'new year', '0 0 1 1 *', query, '-t', 'Asia/Tokyo', '--catch-up', 'skip')
  expect(made).toContain('-01-01 00:00:00 GMT+9')
  const id = /^\d+/.exec(await sched('run', 'new year', '2026-01-01T00:00:00+09:00'))?.[0]
  const result = await runCli(biwa, ['job', 'result', String(id), '-f', 'csv'])
  expect(result.stdout).toBe('at\r\n0\r\n')
  expect(await sched('backfill', 'new year', '--from', '2024-12-31', '--to', '2026-12-31')).toContain('Runs 1 time of')
  expect((await sched('history', 'new year', '-f', 'csv')).split('\r\n').slice(1, 3)).toEqual([
    expect.stringMatching(/^2025-12-31T15:00:00.000Z,run_now,\d+,success,/),
    expect.stringMatching(/^2024-12-31T15:00:00.000Z,backfill,\d+,/),
  ])
  await sched('delete', 'new year', '--yes')
  expect((await runCli(biwa, ['sched', 'show', 'new year'])).code).toBe(4)
})
