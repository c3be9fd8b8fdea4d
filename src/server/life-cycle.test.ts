import { expect, test } from 'vitest'

import { openLog } from '../base/log.ts'
import type { Service } from '../base/service.ts'
import { drainServices, startServices, stopServices } from './life-cycle.ts'

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
