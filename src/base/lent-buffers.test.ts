import { expect, test } from 'vitest'

import { LentBuffers } from './lent-buffers.ts'

const mebibyte = 2 ** 20

/** The memory that is lent for so many bytes, which is known again by its identity. */
const lent = (buffers: LentBuffers, bytes: number): Promise<Buffer> => buffers.use(bytes, async (room) => room)

test('a buffer is as long as was asked for, and the next one who asks gets it again', async () => {
  const buffers = new LentBuffers(4 * mebibyte)
  const first = await lent(buffers, 1_000_001)
  expect(first.byteLength).toBeGreaterThanOrEqual(1_000_001)
  expect((await lent(buffers, 1_000_000)) === first).toBe(true)
  expect((await lent(buffers, 1)) === first).toBe(true)
  expect((await lent(buffers, 2 * mebibyte)) === first).toBe(false)
  expect((await lent(buffers, 0)).byteLength).toBeGreaterThan(0)
})

test('two who ask at one time have each one of their own', async () => {
  const buffers = new LentBuffers(4 * mebibyte)
  const rooms = await buffers.use(100, async (one) => [one, await lent(buffers, 100)])
  expect(rooms[0] === rooms[1]).toBe(false)
})

test('a buffer comes back from work that fails', async () => {
  const buffers = new LentBuffers(4 * mebibyte)
  const first = await lent(buffers, 100)
  await expect(buffers.use(100, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect((await lent(buffers, 100)) === first).toBe(true)
})

test('of what is not lent, no more is kept than may be, and one that is too large replaces none', async () => {
  const buffers = new LentBuffers(2 * mebibyte)
  const small = await lent(buffers, mebibyte)
  await lent(buffers, 3 * mebibyte)
  expect((await lent(buffers, mebibyte)) === small).toBe(true)
  const large = await lent(buffers, 2 * mebibyte)
  expect((await lent(buffers, mebibyte)) === large).toBe(true)
})
