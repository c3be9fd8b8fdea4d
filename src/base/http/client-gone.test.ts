import { getEventListeners, once } from 'node:events'
import { request } from 'node:http'

import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { clientGoneOr } from './client-gone.ts'

let app: FastifyInstance
let closing: AbortController
/** How the signals of the requests ended, in order. */
let ended: unknown[]
beforeEach(async () => {
  app = fastify({ forceCloseConnections: true })
  closing = new AbortController()
  ended = []
  app.get('/answered', (_request, reply) => {
    clientGoneOr(closing.signal, reply).addEventListener('abort', () => ended.push('aborted'))
    return {}
  })
  app.get('/waits', async (_request, reply) => {
    const signal = clientGoneOr(closing.signal, reply)
    if (!signal.aborted) await once(signal, 'abort')
    ended.push(signal.reason)
    return {}
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(() => app.close())

const urlOf = (path: string): string => new URL(path, app.listeningOrigin).href

test('a signal that ends with the server ends with its reason, early or late', async () => {
  const waiting = fetch(urlOf('/waits'))
  await expect.poll(() => getEventListeners(closing.signal, 'abort').length).toBe(1)
  closing.abort('closed')
  await waiting
  await fetch(urlOf('/waits'))
  expect(ended).toEqual(['closed', 'closed'])
})

test('a client that goes away ends its signal only', async () => {
  const client = request(urlOf('/waits'))
  client.on('error', () => {})
  client.end()
  await expect.poll(() => getEventListeners(closing.signal, 'abort').length).toBe(1)
  client.destroy()
  await expect.poll(() => ended).toMatchObject([{ code: 'request_timeout' }])
  expect(closing.signal.aborted).toBe(false)
})

test('what was answered leaves nothing at the signal of the server, and is not aborted later', async () => {
  for (let number = 0; number < 20; number += 1) expect((await fetch(urlOf('/answered'))).status).toBe(200)
  await expect.poll(() => getEventListeners(closing.signal, 'abort').length).toBe(0)
  closing.abort('closed')
  expect(ended).toEqual([])
})
