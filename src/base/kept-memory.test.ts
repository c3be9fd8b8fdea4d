import { expect, test } from 'vitest'

import { KeptMemory } from './kept-memory.ts'

const mebibyte = 2 ** 20

test('a room is as large as was asked for, and belongs to one who asks until all is given back', () => {
  const memory = new KeptMemory(8 * mebibyte)
  const rooms = [0, 1, 1024, 1025, 1_000_001].map((bytes) => memory.take(bytes))
  expect(rooms.map(({ byteLength }) => byteLength)).toEqual([1024, 1024, 1024, 2048, mebibyte])
  expect(new Set([...rooms, memory.take(1_000_001)]).size).toBe(6)
})

test('what was given back is taken again by whoever asks for about as much', () => {
  const memory = new KeptMemory(8 * mebibyte)
  const [small, large] = [memory.take(3000), memory.take(mebibyte)]
  memory.takeBack()
  expect(memory.take(mebibyte - 5) === large).toBe(true)
  expect(memory.take(4096) === small).toBe(true)
  expect([small, large].includes(memory.take(4096))).toBe(false)
})

test('no more is kept than may be, and what was asked for last before what was not', () => {
  const memory = new KeptMemory(2 * mebibyte)
  const early = memory.take(mebibyte)
  memory.takeBack()
  const late = [memory.take(2 * mebibyte), memory.take(4 * mebibyte)]
  memory.takeBack()
  expect(memory.take(2 * mebibyte) === late[0]).toBe(true)
  expect([early, ...late].includes(memory.take(mebibyte))).toBe(false)
  expect([early, ...late].includes(memory.take(4 * mebibyte))).toBe(false)
})
