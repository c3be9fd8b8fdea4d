import { expect, test } from 'vitest'

import { systemClock } from '../clock.ts'
import { openLog } from '../log.ts'
import { StallChecker } from './stall-checker.ts'
import type { StallWatch } from './stall-checker.ts'

const checker = (silenceMsMax: number) => new StallChecker({ clock: systemClock, log: openLog('silent'), silenceMsMax })

test('a call that answers in time is left alone', async () => {
  const watches: StallWatch[] = []
  const answer = await checker(50).watch('a', async (watch) => {
    watches.push(watch)
    return 'x'
  })
  await systemClock.sleep(80)
  expect(answer).toBe('x')
  expect(watches[0]?.signal.aborted).toBe(false)
})

test('a call that says nothing is cut, and told so', async () => {
  let signal: AbortSignal | undefined
  const silent = checker(30).watch('some/key', (watch) => {
    signal = watch.signal
    return new Promise<never>(() => {})
  })
  await expect(silent).rejects.toMatchObject({
    code: 'object_store_unavailable',
    retryable: true,
    message: 'The object store gave no sign of life for 0.03 s at "some/key".',
  })
  expect(signal?.aborted).toBe(true)
})

test('a call that gives signs of life may take as long as it likes', async () => {
  const answer = await checker(100).watch('a', async ({ heard }) => {
    for (let blocks = 0; blocks < 10; blocks += 1) {
      await systemClock.sleep(30)
      heard()
    }
    return 'all of it'
  })
  expect(answer).toBe('all of it')
})

test('bytes that go out unseen earn their time', async () => {
  const answer = await checker(20).watch('a', async ({ heard }) => {
    heard(64 * 1024)
    await systemClock.sleep(150)
    return 'sent'
  })
  expect(answer).toBe('sent')
})

test('what a call answers after it was cut is given back, and its failure harms nobody', async () => {
  const late: string[] = []
  const slow = checker(20).watch(
    'a',
    async () => {
      await systemClock.sleep(60)
      return 'late'
    },
    (value) => late.push(value),
  )
  await expect(slow).rejects.toMatchObject({ code: 'object_store_unavailable' })
  const failing = checker(20).watch('a', async () => {
    await systemClock.sleep(60)
    throw new Error('late, too')
  })
  await expect(failing).rejects.toMatchObject({ code: 'object_store_unavailable' })
  await systemClock.sleep(100)
  expect(late).toEqual(['late'])
})

test('a failure is handed on as it is', async () => {
  await expect(checker(1000).watch('a', () => Promise.reject(new Error('its own')))).rejects.toThrow('its own')
})
