import { afterAll, beforeAll, expect, test } from 'vitest'

import type { TestDatabase } from '../../../test/support/postgres.ts'
import { openTestDatabase } from '../../../test/support/postgres.ts'
import { systemClock } from '../../base/clock.ts'
import { openLog } from '../../base/log.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Inbox } from './inbox.ts'
import { openObjectInbox } from './object-inbox.ts'

const ports = { clock: systemClock, randomness: systemRandomness, log: openLog('silent') }
/** More than the objects that are written at one time, which are four. */
const bodies = 6

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

/** A store that takes every object and removes none until it is told to. */
function slowToRemove(): { objects: ObjectStore; removing: () => number; removeAll: () => void } {
  const waiting: (() => void)[] = []
  let isAtOnce = false
  const objects: Partial<ObjectStore> = {
    put: async () => {},
    remove: () => (isAtOnce ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
  }
  const removeAll = (): void => {
    isAtOnce = true
    for (const remove of waiting) remove()
  }
  return { objects: objects as ObjectStore, removing: () => waiting.length, removeAll }
}

const append = (inbox: Inbox) =>
  inbox.append({ accountId: 1 } as Parameters<typeof inbox.append>[0], Buffer.from('body'))

test('acknowledges bodies however many objects are being removed', async () => {
  const { objects, removing, removeAll } = slowToRemove()
  const inbox = openObjectInbox({ objects, postgres: database.postgres, ...ports })
  for (let body = 1; body <= bodies; body++) {
    const { segment, to } = await append(inbox)
    inbox.settle(segment, 1, to)
    await expect.poll(removing).toBe(body)
  }
  // A stop waits for them, so that the next intake need not do it.
  const stopped = inbox.stop().then(() => 'stopped')
  expect(await Promise.race([stopped, systemClock.sleep(50)])).toBeUndefined()
  removeAll()
  expect(await stopped).toBe('stopped')
})
