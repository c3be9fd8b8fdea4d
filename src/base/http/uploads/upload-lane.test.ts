import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { systemClock } from '../../clock.ts'
import { isAppError } from '../../errors.ts'
import { BodyBudget } from '../read-body.ts'
import { UploadLane } from './upload-lane.ts'
import type { ServeUpload, Upload } from './upload.ts'

const large = 300_000
const budgetBytes = 4_000_000

let stop: (() => Promise<void>) | undefined
afterEach(async () => {
  await stop?.()
  stop = undefined
})

interface Settings {
  readonly serve?: ServeUpload
  readonly silenceMsMax?: number
  readonly keepAliveTimeout?: number
  readonly requestMsMax?: number
}

/** A server that answers with what was sent, and a lane before it that does so, too, and says that it did. */
async function listening({
  serve,
  silenceMsMax = 5000,
  keepAliveTimeout = 5000,
  requestMsMax = 60_000,
}: Settings = {}) {
  const answered: unknown[] = []
  const budget = new BodyBudget(budgetBytes)
  let ordinary = 0
  const server: Server = createServer({ keepAliveTimeout }, (request, response) => {
    ordinary += 1
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => response.end(`ordinary ${request.method} ${request.url} ${sumOf(Buffer.concat(parts))}`))
  })
  const body = { bytesMax: 2_000_000, silenceMsMax }
  const requestId = (): string => 'r'
  const onAnswer = (...answer: unknown[]): void => void answered.push(answer.slice(0, 3))
  const lane = new UploadLane({ budget, body, requestMsMax, clock: systemClock, requestId, onAnswer })
  const uploads: Upload[] = []
  lane.serve({
    method: 'POST',
    path: '/tables/{table}',
    parameters: ['id'],
    async serve(upload) {
      uploads.push(upload)
      return await (serve ?? echo)(upload)
    },
  })
  lane.openAt(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  stop = async () => {
    server.closeAllConnections()
    lane.close()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  /** Bytes of the budget that are taken. */
  const held = (): number => {
    let free = 0
    for (let step = budgetBytes; step >= 1; step = Math.floor(step / 2)) while (budget.reserve(step)) free += step
    budget.release(free)
    return budgetBytes - free
  }
  return { port, server, lane, uploads, answered, held, ordinary: () => ordinary }
}

const echo: ServeUpload = async ({ method, url, receive }) => {
  const { bytes, release } = await receive()
  release()
  return { status: 200, headers: {}, body: `lane ${method} ${url} ${sumOf(bytes)}` }
}

const refuse: ServeUpload = async () => ({ status: 429, headers: { 'retry-after': '1' }, body: 'no room' })

function sumOf(bytes: Buffer): string {
  let sum = 0
  for (const byte of bytes) sum = (sum * 31 + byte) % 1_000_003
  return `${bytes.byteLength} ${sum}`
}

/** No two places of it are alike. */
function bodyOf(bytes: number, seed = 1): Buffer {
  const body = Buffer.alloc(bytes)
  let state = seed
  for (let at = 0; at < bytes; at += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    body[at] = state >> 16
  }
  return body
}

const headOf = (method: string, url: string, bytes: number, ...more: string[]): Buffer =>
  Buffer.from([`${method} ${url} HTTP/1.1`, 'Host: a', `Content-Length: ${bytes}`, ...more, '', ''].join('\r\n'))

const requestOf = (url: string, body: Buffer, method = 'POST'): Buffer =>
  Buffer.concat([headOf(method, url, body.byteLength), body])

/** A client that writes what it is told to, and gathers answers. */
async function client(port: number, allowHalfOpen = false) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen })
  await once(socket, 'connect')
  let text = ''
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
  socket.on('error', () => {})
  const answers = (): string[] => answersIn(text)
  const gets = async (count: number): Promise<string[]> => {
    await vi.waitFor(() => expect(answers().length).toBeGreaterThanOrEqual(count), { timeout: 8000, interval: 2 })
    return answers()
  }
  return { socket, text: () => text, gets }
}

/** The bodies of answers, those of the lane and of Node's server. */
function answersIn(text: string): string[] {
  const bodies: string[] = []
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end === -1) return bodies
    const length = Number(/content-length: (\d+)/i.exec(text.slice(at, end))?.[1])
    if (text.length < end + 4 + length) return bodies
    bodies.push(text.slice(end + 4, end + 4 + length))
    at = end + 4 + length
  }
}

const ended = (socket: Socket): Promise<unknown> => (socket.closed ? Promise.resolve() : once(socket, 'close'))

describe('a large body', () => {
  it('comes by the lane, one after the other on a connection', async () => {
    const { port, uploads, answered, ordinary, held } = await listening()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (const bytes of [large, 1_900_000, 0, 5, 40_000]) {
      const body = bodyOf(bytes)
      const request = httpRequest({
        port,
        agent,
        method: 'POST',
        path: `/tables/t?id=${bytes}`,
        headers: { 'content-length': bytes },
      })
      request.end(body)
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      const parts: Buffer[] = []
      for await (const part of response) parts.push(part as Buffer)
      expect(Buffer.concat(parts).toString()).toBe(`lane POST /tables/t?id=${bytes} ${sumOf(body)}`)
      expect(response.headers).toMatchObject({ connection: 'keep-alive', 'keep-alive': 'timeout=5' })
      expect(request.reusedSocket).toBe(bytes !== large)
    }
    agent.destroy()
    expect(uploads.map(({ params, query }) => [params, query['id']])[1]).toEqual([{ table: 't' }, '1900000'])
    expect(answered).toEqual(Array(5).fill(['/tables/:table', 'POST', 200]))
    expect(ordinary()).toBe(0)
    expect(held()).toBe(0)
  })

  it('is dropped where it is not wanted, and the next one is answered', async () => {
    let refusals = 0
    const serve: ServeUpload = async (upload) => (refusals++ % 2 === 0 ? await refuse(upload) : await echo(upload))
    const { port, held } = await listening({ serve })
    const { socket, gets } = await client(port)
    const [one, two, three] = [bodyOf(1_900_000, 1), bodyOf(large, 2), bodyOf(large, 3)]
    for (const body of [one, two, three, two]) socket.write(requestOf('/tables/t', body))
    expect(await gets(4)).toEqual([
      'no room',
      `lane POST /tables/t ${sumOf(two)}`,
      'no room',
      `lane POST /tables/t ${sumOf(two)}`,
    ])
    expect(held()).toBe(0)
    socket.destroy()
  })

  it('waits until somebody asks for it', async () => {
    let ask = (): void => {}
    const asked = new Promise<void>((resolve) => (ask = resolve))
    const serve: ServeUpload = async (upload) => {
      await asked
      return await echo(upload)
    }
    const { port, held } = await listening({ serve })
    const { socket, gets } = await client(port)
    const body = bodyOf(large)
    socket.write(requestOf('/tables/t', body))
    await sleep(50)
    expect(held()).toBe(0)
    ask()
    expect(await gets(1)).toEqual([`lane POST /tables/t ${sumOf(body)}`])
    socket.destroy()
  })

  it('is refused where there is no budget for it', async () => {
    const kept: (() => void)[] = []
    const serve: ServeUpload = async ({ receive }) => {
      try {
        kept.push((await receive()).release)
        return { status: 200, headers: {}, body: 'kept' }
      } catch (error) {
        return { status: 429, headers: {}, body: isAppError(error) ? error.code : 'bug' }
      }
    }
    const { port, held } = await listening({ serve })
    const { socket, gets } = await client(port)
    for (let count = 0; count < 3; count += 1) socket.write(requestOf('/tables/t', bodyOf(1_800_000)))
    expect(await gets(3)).toEqual(['kept', 'kept', 'overloaded'])
    expect(held()).toBe(3_600_000)
    for (const release of kept) release()
    socket.write(requestOf('/tables/t', bodyOf(1_800_000)))
    expect((await gets(4))[3]).toBe('kept')
    socket.destroy()
  })

  it.each<[string, boolean, (socket: Socket) => void]>([
    ['goes away', false, (socket) => socket.destroy()],
    ['says that it sends no more', true, (socket) => socket.end()],
    ['falls silent', true, () => {}],
    ['is too slow', true, (socket) => void setInterval(() => socket.write('x'), 20).unref()],
  ])('fails where its sender %s in the middle of it', async (_what, hears, act) => {
    const failures: unknown[] = []
    const serve: ServeUpload = async ({ receive }) => {
      failures.push(await receive().catch((error: unknown) => error))
      return { status: 408, headers: { connection: 'close' }, body: 'late' }
    }
    const { port, held, server } = await listening({ serve, silenceMsMax: 100, requestMsMax: 300 })
    const { socket, text } = await client(port)
    socket.write(requestOf('/tables/t', bodyOf(large)).subarray(0, 200_000))
    await sleep(20)
    act(socket)
    await ended(socket)
    await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0))
    expect(failures).toMatchObject([{ code: 'request_timeout' }])
    expect(text()).toContain(hears ? 'connection: close' : '')
    expect(held()).toBe(0)
  })
})

describe('a connection', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['falls silent', () => {}],
    ['is too slow', (socket) => void setInterval(() => socket.write('x'), 20).unref()],
  ])('is closed whose sender %s in the middle of a body that nobody wants', async (_what, act) => {
    const { port, server, uploads } = await listening({ serve: refuse, silenceMsMax: 100, requestMsMax: 300 })
    const { socket, gets } = await client(port)
    socket.write(requestOf('/tables/t', bodyOf(large)).subarray(0, 200_000))
    expect(await gets(1)).toEqual(['no room'])
    act(socket)
    await ended(socket)
    // What would follow is no request.
    expect(uploads).toHaveLength(1)
    await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0))
  })

  it('goes on in the ordinary way when something else is asked, with all that was sent', async () => {
    const { port, ordinary } = await listening()
    const { socket, gets } = await client(port)
    const body = bodyOf(large)
    const sum = sumOf(body)
    socket.write(requestOf('/tables/t', body))
    socket.write(requestOf('/other', body))
    socket.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
    socket.write(requestOf('/tables/t', body))
    expect(await gets(4)).toEqual([
      `lane POST /tables/t ${sum}`,
      `ordinary POST /other ${sum}`,
      'ordinary GET /a 0 0',
      `ordinary POST /tables/t ${sum}`,
    ])
    expect(ordinary()).toBe(3)
    socket.destroy()
  })

  it('that left the lane ends when its server ends it, though its client does not', async () => {
    const { port, server } = await listening()
    const { socket, gets } = await client(port, true)
    socket.write(requestOf('/tables/t', bodyOf(large)))
    socket.write('GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect((await gets(2))[1]).toBe('ordinary GET /a 0 0')
    await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0))
    socket.destroy()
  })

  it.each<[string, Buffer]>([
    ['is small', requestOf('/tables/t', bodyOf(1000))],
    ['has a parameter that the lane does not know', requestOf('/tables/t?wait=visible', bodyOf(large))],
    ['is for another address', requestOf('/tables/t/more', bodyOf(large))],
    ['is sent with another method', requestOf('/tables/t', bodyOf(large), 'PUT')],
    [
      'waits for 100 Continue',
      Buffer.concat([headOf('POST', '/tables/t', large, 'Expect: 100-continue'), bodyOf(large)]),
    ],
  ])('is left to the ordinary way whose first request %s', async (_what, request) => {
    const { port, uploads, ordinary } = await listening()
    const { socket, text } = await client(port)
    socket.write(request)
    await vi.waitFor(() => expect(text()).toContain('ordinary'), { timeout: 5000 })
    expect(ordinary()).toBe(1)
    expect(uploads).toEqual([])
    socket.destroy()
  })

  it('brings the same, however it is cut into packets', async () => {
    const { port } = await listening()
    const bodies = [bodyOf(70_000, 1), bodyOf(10, 2), bodyOf(100_000, 3), bodyOf(40_000, 4)]
    const requests = Buffer.concat(bodies.map((body) => requestOf('/tables/t', body)))
    const cuts = fc.array(fc.nat(requests.byteLength), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const { socket, gets } = await client(port)
        socket.setNoDelay(true)
        let from = 0
        for (const to of [...places.toSorted((a, b) => a - b), requests.byteLength]) {
          socket.write(requests.subarray(from, to))
          from = to
          await sleep(1)
        }
        const sums = (await gets(4)).map((answer) => answer.replace(/^(lane|ordinary) POST \/tables\/t /, ''))
        socket.destroy()
        expect(sums).toEqual(bodies.map(sumOf))
      }),
      { numRuns: 60 },
    )
  })

  it('is closed when it brings nothing more', async () => {
    const { port, server } = await listening({ keepAliveTimeout: 100 })
    const { socket, gets } = await client(port)
    socket.write(requestOf('/tables/t', bodyOf(large)))
    expect(await gets(1)).toHaveLength(1)
    await ended(socket)
    await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0))
  })

  it('ends with the server, after the answer where one is due', async () => {
    let answerNow = (): void => {}
    const serve: ServeUpload = async (upload) => {
      const answer = await echo(upload)
      if (upload.query['id'] === 'late') await new Promise<void>((resolve) => (answerNow = resolve))
      return answer
    }
    const { port, server, lane } = await listening({ serve })
    const [fresh, idle, busy] = [await client(port), await client(port), await client(port)]
    idle.socket.write(requestOf('/tables/t', bodyOf(large)))
    busy.socket.write(requestOf('/tables/t?id=late', bodyOf(large)))
    await idle.gets(1)
    await sleep(50)
    lane.close()
    const closed = new Promise((resolve) => server.close(resolve))
    await Promise.all([ended(fresh.socket), ended(idle.socket)])
    expect(busy.socket.closed).toBe(false)
    answerNow()
    await ended(busy.socket)
    expect(busy.text()).toContain('connection: close')
    await closed
  })
})

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  )
}
