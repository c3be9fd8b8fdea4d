import { beforeEach, expect, test } from 'vitest'

import { ManualClock } from '../../jobs/testing/manual-clock.ts'
import { openLog } from '../log.ts'
import { StallChecker } from './stall-checker.ts'
import type { StallWatch } from './stall-checker.ts'

let clock: ManualClock
beforeEach(() => {
  clock = new ManualClock()
})

const checker = (silenceMsMax: number) => new StallChecker({ clock, log: openLog('silent'), silenceMsMax })

/** Lets everything happen that waits for nothing else. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Moves time on, and lets what it wakes do what it does. */
async function pass(ms: number): Promise<void> {
  clock.advance(ms)
  await settled()
}

test('a call that answers in time is left alone', async () => {
  const watches: StallWatch[] = []
  const answer = await checker(50).watch('a', async (watch) => {
    watches.push(watch)
    return 'x'
  })
  await pass(80)
  expect(answer).toBe('x')
  expect(watches[0]?.signal.aborted).toBe(false)
})

test('a call that says nothing is cut, and told so', async () => {
  let signal: AbortSignal | undefined
  const silent = checker(30).watch('some/key', (watch) => {
    signal = watch.signal
    return new Promise<never>(() => {})
  })
  const outcome = expect(silent).rejects.toMatchObject({
    code: 'object_store_unavailable',
    retryable: true,
    message: 'The object store gave no sign of life for 0.03 s at "some/key".',
  })
  await pass(29)
  expect(signal?.aborted).toBe(false)
  await pass(1)
  expect(signal?.aborted).toBe(true)
  await outcome
})

test('a call that gives signs of life may take as long as it likes', async () => {
  const watched = checker(100).watch('a', async ({ heard }) => {
    for (let blocks = 0; blocks < 10; blocks += 1) {
      await clock.sleep(90)
      heard()
    }
    return 'all of it'
  })
  for (let blocks = 0; blocks < 10; blocks += 1) await pass(90)
  expect(await watched).toBe('all of it')
})

test('bytes that go out unseen earn their time, and no more than that', async () => {
  const send = async ({ heard }: StallWatch): Promise<string> => {
    heard(64 * 1024)
    await clock.sleep(269)
    return 'sent'
  }
  // At 256 KiB a second, they may take a quarter of a second.
  const [patient, hasty] = [checker(20).watch('a', send), checker(18).watch('a', send)]
  const outcome = expect(hasty).rejects.toMatchObject({ code: 'object_store_unavailable' })
  await pass(269)
  expect(await patient).toBe('sent')
  await outcome
})

test('what a call answers after it was cut is given back, and its failure harms nobody', async () => {
  const late: string[] = []
  const slow = checker(20).watch(
    'a',
    async () => {
      await clock.sleep(60)
      return 'late'
    },
    (value) => late.push(value),
  )
  const failing = checker(20).watch('a', async () => {
    await clock.sleep(60)
    throw new Error('late, too')
  })
  const outcomes = Promise.all(
    [slow, failing].map((call) => expect(call).rejects.toMatchObject({ code: 'object_store_unavailable' })),
  )
  await pass(20)
  await outcomes
  expect(late).toEqual([])
  await pass(40)
  expect(late).toEqual(['late'])
})

test('a failure is handed on as it is', async () => {
  await expect(checker(1000).watch('a', () => Promise.reject(new Error('its own')))).rejects.toThrow('its own')
})
