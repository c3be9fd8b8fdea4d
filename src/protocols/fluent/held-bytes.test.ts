import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { HeldBytes } from './held-bytes.ts'

/** Whether the promise has resolved by now. */
async function isAdmitted(taken: Promise<void>): Promise<boolean> {
  let admitted = false
  void taken.then(() => (admitted = true))
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
  return admitted
}

describe('held bytes', () => {
  it('make connections wait in the order in which they came', async () => {
    const held = new HeldBytes(100)
    await held.take('a', 100)
    held.complete('a', 100)
    const [first, second] = [held.take('b', 60), held.take('c', 10)]
    expect(await isAdmitted(first)).toBe(false)
    expect(await isAdmitted(second)).toBe(false)
    held.release(100)
    expect(await isAdmitted(first)).toBe(true)
    expect(await isAdmitted(second)).toBe(true)
    expect(held.bytes).toBe(70)
  })

  it('let one connection after the other go over the limit where only parts of messages are held', async () => {
    const held = new HeldBytes(100)
    await held.take('a', 50)
    await held.take('b', 50)
    const [a, b] = [held.take('a', 30), held.take('b', 30)]
    expect(await isAdmitted(a)).toBe(true)
    expect(await isAdmitted(b)).toBe(false)
    await held.take('a', 1000)
    held.complete('a', 1080)
    expect(await isAdmitted(b)).toBe(false)
    held.release(1080)
    expect(await isAdmitted(b)).toBe(true)
  })

  it('go on when the favoured connection goes away', async () => {
    const held = new HeldBytes(10)
    await held.take('a', 50)
    const b = held.take('b', 50)
    expect(await isAdmitted(b)).toBe(false)
    held.leave('a', 50)
    expect(await isAdmitted(b)).toBe(true)
    held.leave('b', 50)
    expect(held.bytes).toBe(0)
  })

  it('never stand still, and never hold more than the limit and one message', async () => {
    const messageBytesMax = 50
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: messageBytesMax }), { maxLength: 8 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 120 }),
        async (connections, bytesMax) => {
          const held = new HeldBytes(bytesMax)
          let most = 0
          const sendAll = async (messages: readonly number[], holder: object): Promise<void> => {
            for (const bytes of messages) {
              for (let sent = 0; sent < bytes; sent += 10) {
                await held.take(holder, Math.min(10, bytes - sent))
                most = Math.max(most, held.bytes)
              }
              held.complete(holder, bytes)
              await Promise.resolve()
              held.release(bytes)
            }
          }
          await Promise.all(connections.map((messages) => sendAll(messages, messages)))
          expect(held.bytes).toBe(0)
          expect(most).toBeLessThanOrEqual(bytesMax + messageBytesMax)
        },
      ),
    )
  })
})
