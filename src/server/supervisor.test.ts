import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { forkArguments } from '../base/fork-arguments.ts'
import { openLog } from '../base/log.ts'
import { nameOfProcess } from '../base/process-names.ts'
import { isAlive } from '../base/process-table.ts'
import { findPredecessors } from './predecessors.ts'
import { SupervisedRole } from './supervisor.ts'
import type { RoleCommand } from './supervisor.ts'

const log = openLog('silent')
const entry = new URL('testing/fixture-role.ts', import.meta.url)

const started: SupervisedRole[] = []
const supervisors: ChildProcess[] = []
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'biwa-role-'))
})
afterEach(async () => {
  for (const role of started.splice(0)) await role.stop()
  for (const supervisor of supervisors.splice(0)) supervisor.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

function makeRole(manner: string, more: Partial<RoleCommand> = {}): SupervisedRole {
  const role = new SupervisedRole({ name: 'api', entry, environment: { MANNER: manner }, ...more }, systemClock, log)
  started.push(role)
  return role
}

/** Roles whose work in hand is over when the test says so. */
function makeWorkers(): {
  readonly role: SupervisedRole
  readonly finish: () => void
  readonly hasFinished: (pid: number) => boolean
} {
  const mark = join(directory, 'mark')
  return {
    role: makeRole('work', { environment: { MANNER: 'work', MARK: mark }, drainMsMax: 600_000 }),
    finish: () => writeFileSync(mark, ''),
    hasFinished: (pid) => existsSync(`${mark}.${pid}`),
  }
}

test('starts a role, hears what it announces, and ends it politely', async () => {
  const role = makeRole('behave')
  await role.start()
  const { pid } = role
  expect(role.announced).toEqual({ pid, previous: null })
  await role.drain()
  await role.stop()
  await role.stop()
  expect(isAlive(pid ?? 0)).toBe(false)
})

test('fails with the error of a role that cannot start', async () => {
  await expect(makeRole('refuse').start()).rejects.toMatchObject({
    code: 'startup',
    message: 'The port 8040 is taken.',
    hint: 'Take another.',
  })
  await expect(makeRole('exit early').start()).rejects.toMatchObject({
    message: expect.stringContaining('exit code 3'),
  })
})

test('starts a role that lost its database while it started once more', async () => {
  const role = makeRole('lose once', { environment: { MANNER: 'lose once', MARK: join(directory, 'mark') } })
  await role.start()
  expect(role.announced).toEqual({ pid: role.pid, previous: null })
})

test('starts a killed role again, which is told what it announced before', async () => {
  const role = makeRole('behave')
  await role.start()
  const first = role.pid
  process.kill(first ?? 0, 'SIGKILL')
  await expect.poll(() => role.pid !== undefined && role.pid !== first).toBe(true)
  expect(role.announced).toEqual({ pid: first, previous: null })
})

test('has a process that stands ready take the place of one that was killed, and another one stand ready', async () => {
  const role = makeRole('behave', { keepsSpare: true })
  await role.start()
  await expect.poll(() => role.sparePid).toBeDefined()
  const spare = role.sparePid ?? 0
  process.kill(role.pid ?? 0, 'SIGKILL')
  await expect.poll(() => role.pid).toBe(spare)
  await expect.poll(() => role.sparePid).toBeDefined()
  expect(role.sparePid).not.toBe(spare)
  expect([role.pid, role.sparePid].map((pid) => isAlive(pid ?? 0))).toEqual([true, true])
})

test('replaces a process that stands ready and dies', async () => {
  const role = makeRole('behave', { keepsSpare: true })
  await role.start()
  const { pid } = role
  await expect.poll(() => role.sparePid).toBeDefined()
  const spare = role.sparePid ?? 0
  process.kill(spare, 'SIGKILL')
  await expect.poll(() => role.sparePid !== undefined && role.sparePid !== spare).toBe(true)
  expect(role.pid).toBe(pid)
})

test('has new code loaded by what stands ready after a renewal, and leaves none behind', async () => {
  const role = makeRole('behave', { keepsSpare: true })
  await role.start()
  await expect.poll(() => role.sparePid).toBeDefined()
  const spare = role.sparePid ?? 0
  await role.renew()
  expect(role.pid).not.toBe(spare)
  expect(isAlive(spare)).toBe(false)
  await expect.poll(() => role.sparePid).toBeDefined()
  const next = role.sparePid ?? 0
  await role.stop()
  expect([spare, next].map(isAlive)).toEqual([false, false])
})

test('loads the code of a role before it is started', async () => {
  const role = makeRole('behave')
  role.load()
  const loading = role.sparePid
  expect(loading).toBeDefined()
  await role.start()
  expect(role.pid).toBe(loading)
  expect(role.announced).toEqual({ pid: loading, previous: null })
})

test('starts a role that dies of a bug again and again, until it is stopped', async () => {
  const role = makeRole('die')
  await role.start()
  const seen = new Set<number>()
  const look = (): number => (role.pid === undefined ? seen : seen.add(role.pid)).size
  await expect.poll(look, { interval: 10 }).toBeGreaterThanOrEqual(3)
  await role.stop()
  expect([...seen].filter(isAlive)).toEqual([])
})

test('kills a role that neither drains nor stops in time', async () => {
  const role = makeRole('stick', { drainMsMax: 50, stopMsMax: 50 })
  await role.start()
  const { pid } = role
  await role.drain()
  await role.stop()
  expect(isAlive(pid ?? 0)).toBe(false)
})

test('can be stopped while the role still starts', async () => {
  const role = makeRole('wait')
  const outcome = expect(role.start()).rejects.toMatchObject({ message: expect.stringContaining('SIGKILL') })
  await role.stop()
  await outcome
})

test('puts a new process in the place of one that finishes its work behind, again and again', async () => {
  const { role, finish, hasFinished } = makeWorkers()
  await role.start()
  const first = role.pid ?? 0
  await role.renew()
  const second = role.pid ?? 0
  await role.renew()
  expect(new Set([first, second, role.pid]).size).toBe(3)
  expect(new Set(role.retiringPids)).toEqual(new Set([first, second]))
  expect([first, second, role.pid ?? 0].map(isAlive)).toEqual([true, true, true])
  finish()
  await expect.poll(() => role.retiringPids).toEqual([])
  expect([first, second, role.pid ?? 0].map(isAlive)).toEqual([false, false, true])
  expect([first, second].map(hasFinished)).toEqual([true, true])
})

test('starts what replaced another one again when it dies, and only that', async () => {
  const role = makeRole('behave')
  await role.start()
  await role.renew()
  const second = role.pid ?? 0
  process.kill(second, 'SIGKILL')
  await expect.poll(() => role.pid !== undefined && role.pid !== second).toBe(true)
  await expect.poll(() => role.retiringPids).toEqual([])
})

test.each([true, false])('goes on with the old process when the new code does not start (alone: %s)', async (alone) => {
  const role = makeRole('break', { alone })
  await role.start()
  const { pid } = role
  await expect(role.renew()).rejects.toMatchObject({ message: expect.stringContaining('the new code is broken') })
  expect(role.pid).toBe(pid)
  expect(isAlive(pid ?? 0)).toBe(true)
  expect(role.retiringPids).toEqual([])
})

test('waits, when it is drained, also for those that were replaced', async () => {
  const { role, finish, hasFinished } = makeWorkers()
  await role.start()
  await role.renew()
  const pids = [...role.retiringPids, role.pid ?? 0]
  expect(pids.length).toBe(2)
  const drained = role.drain()
  finish()
  await drained
  expect(pids.map(hasFinished)).toEqual([true, true])
  await role.stop()
  expect(pids.map(isAlive)).toEqual([false, false])
})

test('ends the old and the new process at once when it is stopped', async () => {
  const role = makeRole('stick', { drainMsMax: 600_000, stopMsMax: 50 })
  await role.start()
  const pids = [role.pid ?? 0]
  await role.renew()
  pids.push(role.pid ?? 0)
  await role.stop()
  expect(pids.map(isAlive)).toEqual([false, false])
})

test.each([true, false])(
  'refuses no connection while a process that listens is replaced (alone: %s)',
  async (alone) => {
    const role = makeRole('listen', { alone })
    await role.start()
    const { port } = role.announced as { port: number }
    const answered = new Set<string>()
    let over = false
    const asking = (async () => {
      while (!over) {
        const answer = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })
        answered.add(await answer.text())
      }
    })()
    const answers = () => expect.poll(() => [...answered].at(-1)).toBe(String(role.pid))
    await answers()
    for (let renewals = 0; renewals < 3; renewals += 1) {
      await role.renew()
      await answers()
    }
    over = true
    await asking
    expect(answered.size).toBe(4)
  },
)

function forkSupervisor(environment: Readonly<Record<string, string>>): ChildProcess {
  const fixture = new URL('testing/fixture-supervisor.ts', import.meta.url)
  const supervisor = fork(fixture, { execArgv: forkArguments(fixture), env: { ...process.env, ...environment } })
  supervisors.push(supervisor)
  return supervisor
}

async function supervise(manner: string): Promise<{ supervisor: ChildProcess; pids: number[] }> {
  const supervisor = forkSupervisor({ MANNER: manner })
  const [pids] = (await once(supervisor, 'message')) as [number[]]
  return { supervisor, pids }
}

test('leaves no role behind when it is killed', async () => {
  const { supervisor, pids } = await supervise('behave')
  expect(pids.map(isAlive)).toEqual([true, true])
  supervisor.kill('SIGKILL')
  await expect.poll(() => pids.map(isAlive)).toEqual([false, false])
})

test.each([true, false])(
  'leaves roles that serve on, if noted, until its successor has loaded its own, or is ready (alone: %s)',
  async (alone) => {
    const notes = { disk: systemDisk, directory: join(directory, 'roles'), log }
    const environment = { MANNER: 'listen', NOTES: notes.directory }
    const supervisor = forkSupervisor(environment)
    const [pids] = (await once(supervisor, 'message')) as [number[]]
    supervisor.kill('SIGKILL')
    await once(supervisor, 'exit')
    // The roles of the fixture all note themselves under one name.
    const predecessors = (await findPredecessors(notes)).get('api') ?? []
    expect(new Set(predecessors.map((name) => Number.parseInt(name, 10)))).toEqual(new Set(pids))
    const mark = join(directory, 'mark')
    const role = makeRole('listen late', {
      environment: { ...environment, MANNER: 'listen late', MARK: mark },
      predecessors,
      alone,
    })
    const starting = role.start()
    await setTimeout(300)
    expect(pids.map(isAlive)).toEqual([true, true])
    writeFileSync(mark, '')
    await starting
    await expect.poll(() => pids.map(isAlive)).toEqual([false, false])
    const noted = (what: string, pid = 0) =>
      statSync(`${notes.directory}.${what}.${pid}`, { throwIfNoEntry: false })?.mtimeMs
    const drainedMs = pids.map((pid) => noted('drained', pid))
    if (alone) expect(drainedMs).toEqual([undefined, undefined])
    else expect(Math.min(...drainedMs.map(Number))).toBeGreaterThanOrEqual(Number(noted('started', role.pid)))
    expect(await findPredecessors(notes)).toEqual(new Map([['api', [await nameOfProcess(role.pid ?? 0)]]]))
  },
)

test('leaves no role behind that handed it a socket which it never took', async () => {
  const mark = join(directory, 'mark')
  const supervisor = forkSupervisor({ MANNER: 'listen unheard', MARK: mark })
  const pid = () => Number(existsSync(mark) && readFileSync(mark, 'utf8'))
  await expect.poll(pid).toBeGreaterThan(0)
  supervisor.kill('SIGKILL')
  await expect.poll(() => isAlive(pid())).toBe(false)
})

test('ends in order when it is asked to, although its roles got the signal, too', async () => {
  const { supervisor, pids } = await supervise('behave')
  for (const pid of pids) process.kill(pid, 'SIGINT')
  supervisor.kill('SIGINT')
  expect(await once(supervisor, 'exit')).toEqual([0, null])
  expect(pids.map(isAlive)).toEqual([false, false])
})

test('ends at once at the second signal', async () => {
  const { supervisor, pids } = await supervise('stick')
  supervisor.kill('SIGTERM')
  const [heard] = (await once(supervisor, 'message')) as unknown[]
  expect(heard).toBe('asked')
  await systemClock.sleep(200)
  expect(pids.map(isAlive)).toEqual([true, true])
  supervisor.kill('SIGTERM')
  expect(await once(supervisor, 'exit')).toEqual([0, null])
  expect(pids.map(isAlive)).toEqual([false, false])
})

test('renews its roles at each SIGHUP, and once more for one that comes meanwhile', async () => {
  const { supervisor, pids } = await supervise('behave')
  const reports: number[][] = []
  supervisor.on('message', (report) => {
    if (Array.isArray(report)) reports.push(report as number[])
  })
  supervisor.kill('SIGHUP')
  await expect.poll(() => pids.some((pid) => !isAlive(pid))).toBe(true)
  supervisor.kill('SIGHUP')
  await expect.poll(() => reports.length).toBe(2)
  expect(new Set([...pids, ...reports.flat()]).size).toBe(6)
  supervisor.kill('SIGTERM')
  expect(await once(supervisor, 'exit')).toEqual([0, null])
  expect([...pids, ...reports.flat()].filter(isAlive)).toEqual([])
})
