import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { descendants } from '../../../test/support/biwa.ts'
import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import { AppError } from '../errors.ts'
import { forkArguments } from '../fork-arguments.ts'
import { openLog } from '../log.ts'
import { isAlive } from '../process-table.ts'
import type { EngineLimits, EnginePool } from './engines.ts'
import { openEnginePool } from './open-engine-pool.ts'

const log = openLog('silent')
const entry = new URL('testing/fixture-engine.ts', import.meta.url)
const limits: EngineLimits = { timeoutMs: 120_000, residentBytesMax: 2 ** 32 }

interface Echo {
  readonly input: unknown
  readonly pid: number
}

describe('a pool of two', () => {
  let pool: EnginePool

  beforeAll(async () => {
    pool = openEnginePool({ name: 'test', entry, size: 2, clock: systemClock, log })
    await pool.start()
  })
  afterAll(() => pool.stop())

  const echo = (input: unknown, more: Partial<EngineLimits> = {}): Promise<Echo> =>
    pool.run<Echo>({ kind: 'echo', input }, { ...limits, ...more })
  const run = (kind: string, input: unknown = null, more: Partial<EngineLimits> = {}): Promise<unknown> =>
    pool.run({ kind, input }, { ...limits, ...more })

  test('passes values that only structured cloning keeps', async () => {
    const input = { big: 2n ** 63n, bytes: new Uint8Array([1, 2]), map: new Map([['a', new Date(5)]]), none: undefined }
    expect((await echo(input)).input).toEqual(input)
  })

  test('tells of progress', async () => {
    const heard: unknown[] = []
    await echo(1, { onProgress: (value) => heard.push(value) })
    expect(heard).toEqual(['half'])
  })

  test('serves one task after the other from one process', async () => {
    const first = await echo(1)
    expect((await echo(2)).pid).toBe(first.pid)
  })

  test('starts from a clean process after a task that asked for it', async () => {
    const first = await echo(1, { discardAfter: true })
    expect((await echo(2)).pid).not.toBe(first.pid)
  })

  test('hands on an AppError in full, and keeps the process', async () => {
    const { pid } = await echo(1)
    const error = await run('fail').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(AppError)
    expect((error as AppError).toRecord()).toEqual({
      code: 'query_syntax',
      message: 'There is no such word.',
      hint: 'Spell it.',
      position: { line: 2, column: 3 },
    })
    expect((await echo(1)).pid).toBe(pid)
  })

  test('reports a bug as one, and replaces the process', async () => {
    const { pid } = await echo(1)
    const error = await run('stumble').catch((reason: unknown) => reason)
    expect(error).not.toBeInstanceOf(AppError)
    expect(error).toMatchObject({ message: expect.stringContaining('a bug of the handler') })
    expect((await echo(1)).pid).not.toBe(pid)
    await expect(run('unclonable')).rejects.toThrow('could not be cloned')
    await expect(run('no-such-kind')).rejects.toThrow('no-such-kind')
  })

  test('survives a native crash and an exit', async () => {
    await expect(run('abort')).rejects.toMatchObject({
      code: 'worker_lost',
      message: expect.stringContaining('SIGABRT'),
    })
    await expect(run('leave')).rejects.toMatchObject({ code: 'worker_lost', message: expect.stringContaining('7') })
    expect((await echo('still')).input).toBe('still')
  })

  test('ends a task at its time limit, even one that blocks its process', async () => {
    await expect(run('sleep', 60_000, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'query_timeout' })
    await expect(run('block', null, { timeoutMs: 1000 })).rejects.toMatchObject({ code: 'query_timeout' })
  })

  test('kills what grows beyond its memory limit', async () => {
    const residentBytesMax = 400 * 2 ** 20
    await expect(run('devour', 4 * 2 ** 30, { residentBytesMax })).rejects.toMatchObject({
      code: 'query_memory_exceeded',
      message: expect.stringContaining('400 MiB'),
    })
  })

  test('replaces a process that is still bloated after its task', async () => {
    const { pid } = await echo(1)
    await run('devour', 600 * 2 ** 20)
    expect((await echo(1)).pid).not.toBe(pid)
  })

  test('kills a running task on abort, with the reason of the signal', async () => {
    const control = new AbortController()
    let pid = 0
    const onProgress = (value: unknown): void => {
      pid = value as number
      control.abort(new AppError('job_killed', 'enough'))
    }
    await expect(run('block', null, { signal: control.signal, onProgress })).rejects.toMatchObject({
      code: 'job_killed',
    })
    expect(isAlive(pid)).toBe(false)
    await expect(run('echo', 1, { signal: control.signal })).rejects.toMatchObject({ code: 'job_killed' })
  })

  test('lets tasks wait for a process, and forgets one that is aborted while it waits', async () => {
    const control = new AbortController()
    const busy = [run('sleep', 300), run('sleep', 300)]
    const forgotten = run('echo', 1, { signal: control.signal })
    const waiting = Promise.all([echo('a'), echo('b'), echo('c')])
    control.abort(new Error('changed my mind'))
    await expect(forgotten).rejects.toThrow('changed my mind')
    expect((await waiting).map(({ input }) => input)).toEqual(['a', 'b', 'c'])
    await Promise.all(busy)
  })
})

test('starts another process beside a task that takes long, and beside a short one none', async () => {
  const { clock, passTime } = heldClock()
  const pool = openEnginePool({ name: 'test', entry, size: 2, clock, log })
  await pool.start()
  await pool.run({ kind: 'echo', input: 1 }, limits)
  passTime()
  expect(processesOfFixture()).toBe(1)
  const slow = pool.run({ kind: 'sleep', input: 1000 }, limits)
  passTime()
  expect(processesOfFixture()).toBe(2)
  await slow
  await pool.stop()
})

test('gives whoever waits the process that is free first, and not the one that was started for it', async () => {
  const { clock, passTime } = heldClock()
  const pool = openEnginePool({ name: 'test', entry, size: 2, clock, log })
  await pool.start()
  const { pid } = await pool.run<Echo>({ kind: 'echo', input: 1 }, limits)
  const busy = pool.run({ kind: 'sleep', input: 20 }, limits)
  const waiting = pool.run<Echo>({ kind: 'echo', input: 2 }, limits)
  passTime()
  expect(processesOfFixture()).toBe(2)
  expect(await waiting).toMatchObject({ input: 2, pid })
  await busy
  await pool.stop()
})

/** A clock on which no time passes until the test says so. */
function heldClock(): { readonly clock: Clock; readonly passTime: () => void } {
  let tasks: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    schedule(ms, task) {
      // The others are the time limits of tasks; to look at the memory of one more often than is due changes nothing.
      if (ms < limits.timeoutMs) tasks.push(task)
      return () => (tasks = tasks.filter((other) => other !== task))
    },
  }
  return { clock, passTime: () => tasks.splice(0).forEach((task) => task()) }
}

function processesOfFixture(): number {
  return descendants(process.pid).filter(({ command }) => command.includes(entry.pathname)).length
}

test('drain waits for the work in hand, stop ends it', async () => {
  const pool = openEnginePool({ name: 'test', entry, size: 1, clock: systemClock, log })
  await pool.start()
  const slow = pool.run({ kind: 'sleep', input: 300 }, limits)
  await pool.drain?.()
  await expect(slow).resolves.toBeTypeOf('number')
  const cut = pool.run({ kind: 'sleep', input: 60_000 }, limits)
  const refused = pool.run({ kind: 'echo', input: 1 }, limits)
  const outcomes = Promise.allSettled([cut, refused])
  await pool.stop()
  await pool.stop()
  expect(await outcomes).toMatchObject([
    { status: 'rejected', reason: { code: 'shutting_down' } },
    { status: 'rejected', reason: { code: 'shutting_down' } },
  ])
  await expect(pool.run({ kind: 'echo', input: 1 }, limits)).rejects.toMatchObject({ code: 'shutting_down' })
})

test('says so when the engine cannot start', async () => {
  const broken = new URL('testing/no-such-entry.ts', import.meta.url)
  const pool = openEnginePool({ name: 'broken', entry: broken, size: 1, clock: systemClock, log })
  await expect(pool.start()).rejects.toMatchObject({ code: 'startup' })
  await expect(pool.run({ kind: 'echo', input: 1 }, limits)).rejects.toMatchObject({ code: 'overloaded' })
  await pool.stop()
})

test('ends a process that does not answer, and says so to those who wait for one', async () => {
  const { clock, passTime } = heldClock()
  const mute = new URL('testing/mute-engine.ts', import.meta.url)
  const pool = openEnginePool({ name: 'mute', entry: mute, size: 1, clock, log })
  let code: string | undefined
  pool.run({ kind: 'echo', input: 1 }, limits).catch((error: AppError) => (code = error.code))
  await expect.poll(() => (passTime(), code)).toBe('overloaded')
  await pool.stop()
})

test('starts a process for whoever waits for one that is busy for long', async () => {
  const { clock, passTime } = heldClock()
  const pool = openEnginePool({ name: 'test', entry, size: 2, warm: 0, clock, log })
  await pool.run({ kind: 'echo', input: 1 }, limits)
  const busy = pool.run({ kind: 'sleep', input: 3000 }, limits)
  const waiting = pool.run<Echo>({ kind: 'echo', input: 2 }, limits)
  expect(processesOfFixture()).toBe(1)
  passTime()
  expect(processesOfFixture()).toBe(2)
  await Promise.all([busy, waiting])
  await pool.stop()
})

test('leaves no process behind when its owner is killed, not even a blocked one', async () => {
  const owner = new URL('testing/pool-owner.ts', import.meta.url)
  const child = fork(fileURLToPath(owner), { execArgv: forkArguments(owner) })
  const [pids] = (await once(child, 'message')) as [number[]]
  expect(pids.map(isAlive)).toEqual([true, true])
  child.kill('SIGKILL')
  await expect.poll(() => pids.map(isAlive)).toEqual([false, false])
})
