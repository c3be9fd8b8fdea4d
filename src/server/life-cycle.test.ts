import { describe, expect, test } from 'vitest'

import { openLog } from '../base/log.ts'
import type { Service } from '../base/service.ts'
import { systemClock } from '../base/clock.ts'
import { drainServices, inTurn, startServices, stopServices, together } from './life-cycle.ts'

const log = openLog('silent')

function recorded(): { calls: string[]; service: (name: string, more?: Partial<Service>) => Service } {
  const calls: string[] = []
  return {
    calls,
    service: (name, more = {}) => ({
      name,
      start: async () => void calls.push(`start ${name}`),
      drain: async () => void calls.push(`drain ${name}`),
      stop: async () => void calls.push(`stop ${name}`),
      ...more,
    }),
  }
}

const fail = (): Promise<never> => Promise.reject(new Error('broken'))
const never = (): Promise<never> => new Promise(() => {})

describe('services in turn', () => {
  const slow = (calls: string[], name: string) => async () => {
    await systemClock.sleep(20)
    calls.push(`${name} is ready`)
  }

  test('start when the one before is ready, where together they start at once', async () => {
    const { calls, service } = recorded()
    const services = [service('a', { start: slow(calls, 'a') }), service('b')]
    await inTurn(services, 5000, systemClock).start()
    await together(services).start()
    expect(calls).toEqual(['a is ready', 'start b', 'start b', 'a is ready'])
  })

  test('wait no longer than they may, and are ready when all are', async () => {
    const { calls, service } = recorded()
    await inTurn([service('a', { start: slow(calls, 'a') }), service('b')], 1, systemClock).start()
    expect(calls).toEqual(['start b', 'a is ready'])
  })

  test.each([
    ['before its time is over', 5000, ['stop a', 'stop b']],
    ['after it', 1, ['start b', 'stop a', 'stop b']],
  ])('fail with one that fails %s', async (_, msMax, expected) => {
    const { calls, service } = recorded()
    const start = () => systemClock.sleep(20).then(fail)
    const services = inTurn([service('a', { start }), service('b')], msMax, systemClock)
    await expect(startServices([services])).rejects.toThrow('broken')
    expect(calls).toEqual(expected)
  })
})

test('starts in order, drains and stops in reverse', async () => {
  const { calls, service } = recorded()
  const services = [service('a'), service('b')]
  await startServices(services)
  await drainServices(services, log)
  await stopServices(services, log)
  expect(calls).toEqual(['start a', 'start b', 'drain b', 'drain a', 'stop b', 'stop a'])
})

test('stops what was begun when one fails to start', async () => {
  const { calls, service } = recorded()
  const services = [service('a'), service('b', { start: fail }), service('c')]
  await expect(startServices(services)).rejects.toThrow('broken')
  expect(calls).toEqual(['start a', 'stop b', 'stop a'])
})

test('gives up a start when a stop is asked for', async () => {
  const { calls, service } = recorded()
  const asked = new AbortController()
  const starting = startServices([service('a'), service('b', { start: never })], asked.signal)
  setImmediate(() => asked.abort())
  await expect(starting).rejects.toMatchObject({ code: 'shutting_down' })
  expect(calls).toEqual(['start a', 'stop b', 'stop a'])
})

test('goes on when one fails to drain or to stop', async () => {
  const { calls, service } = recorded()
  const services = [service('a'), service('b', { drain: fail, stop: fail })]
  await drainServices(services, log)
  await stopServices(services, log)
  expect(calls).toEqual(['drain a', 'stop a'])
})

test('leaves a drain that does not end when the caller is in a hurry', async () => {
  const { calls, service } = recorded()
  const hurry = new AbortController()
  const draining = drainServices([service('a'), service('b', { drain: never })], log, hurry.signal)
  hurry.abort()
  await draining
  expect(calls).toEqual([])
})
