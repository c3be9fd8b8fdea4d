import { expect, it } from 'vitest'

import { systemClock } from '../../base/clock.ts'
import { systemRandomness } from '../../base/randomness.ts'
import { Visitor } from './global-id.ts'

const ports = { clock: systemClock, randomness: systemRandomness }
const id = '018bd0a4-0000-7000-8000-000000000001'

it('a visitor of whom nobody asks is told nothing', () => {
  expect(new Visitor(`td_global_id=${id}`, true, ports).setCookie).toBeUndefined()
})

it('a visitor keeps the id that the cookie tells, for two more years', () => {
  const visitor = new Visitor(`a=b; td_global_id=${id}; c`, true, ports)
  expect(visitor.id).toBe(id)
  expect(visitor.setCookie).toBe(`td_global_id=${id}; Path=/; Max-Age=63072000; HttpOnly; SameSite=None; Secure`)
})

it('a cookie without TLS is for pages of the same site', () => {
  const visitor = new Visitor(`td_global_id=${id}`, false, ports)
  expect(visitor.id).toBe(id)
  expect(visitor.setCookie).toBe(`td_global_id=${id}; Path=/; Max-Age=63072000; HttpOnly; SameSite=Lax`)
})

it.each([undefined, '', 'td_global_id=', 'td_global_id=a\r\nb', `x_td_global_id=${id}`, 'td_global_id'])(
  'the cookie %j is none, and makes a new visitor',
  (cookies) => {
    const visitor = new Visitor(cookies, true, ports)
    expect(visitor.id).toMatch(/^[0-9a-f-]{36}$/)
    expect(visitor.id).toBe(visitor.id)
    expect(new Visitor(cookies, true, ports).id).not.toBe(visitor.id)
  },
)
