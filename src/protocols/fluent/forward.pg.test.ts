import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { openParts } from '../../../test/support/parts.ts'
import type { Parts } from '../../../test/support/parts.ts'
import { AppError } from '../../base/errors.ts'
import { Line, openForward } from './testing/open-forward.ts'
import type { Forward, ForwardOptions } from './testing/open-forward.ts'
import { bin32, bytes, entry, eventTime, fluentdMessage, pack } from './testing/wire.ts'

let parts: Parts
let forward: Forward
const lines: Line[] = []

const open = async (options: ForwardOptions = {}): Promise<Line> => {
  forward = await openForward(options, parts)
  return await line()
}
const line = async (): Promise<Line> => {
  const made = await Line.to(forward.port)
  lines.push(made)
  return made
}

beforeAll(async () => {
  parts = await openParts()
})
afterEach(async () => {
  for (const { socket } of lines.splice(0)) socket.destroy()
  await forward.close()
  expect(forward.bugs).toEqual([])
})
afterAll(() => parts.close())

const seconds = 1_700_000_000
const chunk = 'ZGVmZ2hpamtsbW5vcA==\n'

describe('the forward port', () => {
  it('takes messages of all modes, and acknowledges those with a chunk', async () => {
    const client = await open()
    const entries = bytes(entry(eventTime(seconds, 5e8), { n: 2 }), entry(seconds, { n: 3 }))
    client.socket.write(
      bytes(
        pack(['web.modes', seconds, { n: 1 }]),
        fluentdMessage('web.modes.rest', entries, { size: 2, chunk }),
        bytes('93', pack('web.modes'), bytes('92', entry(seconds, { n: 4 }), entry(0, { n: 5 })), pack({ chunk: 'b' })),
        bytes(
          '93',
          pack('web.modes'),
          bin32(gzipSync(entry(seconds, { n: 6 }))),
          pack({ compressed: 'gzip', chunk: 'c' }),
        ),
        'c0',
      ),
    )
    const acks = await client.hear(3)
    expect(acks.length).toBe(3)
    expect(acks).toEqual(expect.arrayContaining([{ ack: chunk }, { ack: 'b' }, { ack: 'c' }]))
    const rows = await forward.rowsOf('select n, time_us from web.modes order by n', 6)
    expect(rows.map(([n]) => String(n))).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(String(rows[1]?.[1])).toBe(`${seconds}500000`)
  })

  it('counts a chunk once that is sent again, on whichever connection, for each tag', async () => {
    const client = await open()
    const message = (tag: string) => fluentdMessage(tag, entry(seconds, { n: 1 }), { chunk })
    client.socket.write(bytes(message('web.again'), message('web.again')))
    await client.hear(2)
    const other = await line()
    other.socket.write(bytes(message('web.again'), message('web.other_again')))
    await other.hear(2)
    await forward.rowsOf('select n from web.other_again', 1)
    expect((await forward.rowsOf('select n from web.again', 1)).length).toBe(1)
  })

  it('answers JSON in JSON', async () => {
    const client = await open()
    client.socket.write(
      `["web.lines",${seconds},{"n":9007199254740993},{"chunk":"j"}]\n["web.lines",[[${seconds},{"n":2}]]]`,
    )
    await expect.poll(() => client.received.toString()).toBe('{"ack":"j"}')
    const rows = await forward.rowsOf('select n from web.lines order by n', 2)
    expect(rows.map(([n]) => String(n))).toEqual(['2', '9007199254740993'])
  })

  it('puts messages without a chunk together, and loses none of them when the client goes', async () => {
    const client = await open()
    for (let n = 0; n < 500; n += 1) client.socket.write(pack(['web.many', seconds, { n }]))
    client.socket.end()
    const rows = await forward.rowsOf('select n from web.many', 500)
    expect(rows.length).toBe(500)
  })

  it('sends what cannot be read to the quarantine, which is an end, too', async () => {
    const client = await open()
    client.socket.write(fluentdMessage('web.bad', bytes(pack(5), entry(seconds, { n: 1 }), 'c1'), { chunk }))
    expect(await client.hear(1)).toEqual([{ ack: chunk }])
    await forward.rowsOf('select n from web.bad', 1)
    const quarantined = await parts.store.listQuarantine(parts.owner.accountId, 'web', 'bad', { limit: 10 })
    expect(quarantined.map(({ reason }) => reason).toSorted()).toEqual(['msgpack_syntax', 'not_an_object'])
  })

  it('answers heartbeats over UDP', async () => {
    await open()
    const socket = createSocket('udp4')
    socket.send(Buffer.alloc(200), forward.port, '127.0.0.1')
    socket.send(Buffer.alloc(128), forward.port, '127.0.0.1')
    const [answer] = (await once(socket, 'message')) as [Buffer]
    expect(answer).toEqual(Buffer.from([0]))
    socket.close()
  })
})

describe('a refused message', () => {
  it('ends the connection without an acknowledgement, behind those before it', async () => {
    const client = await open()
    client.socket.write(
      bytes(
        fluentdMessage('web.before', entry(seconds, {}), { chunk }),
        fluentdMessage('web.', entry(1, {}), { chunk }),
      ),
    )
    await client.closed()
    expect(client.messages).toEqual([{ ack: chunk }])
    expect(forward.refusals.map(({ code }) => code)).toEqual(['invalid_name'])
  })

  it('is one that the key may not write', async () => {
    const { key } = await parts.access.createKey(parts.owner, { kind: 'query' })
    const client = await open({ apiKey: key })
    client.socket.write(fluentdMessage('web.secret', entry(seconds, {}), { chunk }))
    await client.closed()
    expect(client.messages).toEqual([])
    expect(forward.refusals[0]).toMatchObject({ code: 'forbidden', target: { database: 'web', table: 'secret' } })
  })

  it('is one that is too large, broken, or stops in the middle', async () => {
    const client = await open({ limits: { frameBytesMax: 1000 } })
    client.socket.write(fluentdMessage('web.large', Buffer.alloc(2000), {}))
    await client.closed()
    const broken = await line()
    broken.socket.write(Buffer.from([0x93, 0xc1]))
    await broken.closed()
    const noHttp = await line()
    noHttp.socket.write('GET / HTTP/1.1\r\n\r\n')
    await noHttp.closed()
    expect(forward.refusals.map(({ code }) => code)).toEqual(['body_too_large', 'body_malformed', 'body_malformed'])
    await forward.close()
    const silent = await open({ limits: { silenceMsMax: 200 } })
    silent.socket.write(Buffer.from([0x93]))
    await silent.closed()
    expect(forward.refusals.map(({ code }) => code)).toEqual(['request_timeout'])
  })
})

describe('an intake that is full', () => {
  it('makes clients wait and stops reading, and everything arrives once it has room', async () => {
    let isFull = true
    let largest = 0
    const client = await open({
      limits: { connectionBytesMax: 100_000, heldBytesMax: 200_000 },
      collect: (real) => ({
        async accept(request) {
          largest = Math.max(largest, request.body.byteLength)
          if (isFull) throw new AppError('overloaded', 'full')
          return await real.accept(request)
        },
      }),
    })
    const padding = 'x'.repeat(10_000)
    const sent = Array.from({ length: 200 }, (_, n) =>
      fluentdMessage('web.waits', entry(seconds, { n, padding }), { chunk: `c${n}` }),
    )
    client.socket.write(Buffer.concat(sent))
    await sleep(500)
    expect(client.messages).toEqual([])
    expect(client.socket.bytesWritten - client.socket.writableLength).toBeLessThanOrEqual(
      Buffer.concat(sent).byteLength,
    )
    expect(forward.outcomes.filter((outcome) => outcome === 'overloaded').length).toBeLessThan(200)
    isFull = false
    const acks = (await client.hear(200)) as { ack: string }[]
    expect(new Set(acks.map(({ ack }) => ack)).size).toBe(200)
    expect((await forward.rowsOf('select n from web.waits', 200)).length).toBe(200)
  })

  it('lets go of those that would send again when their clients go', async () => {
    const client = await open({
      limits: { silenceMsMax: 300 },
      collect: () => ({
        accept: () => Promise.reject(new AppError('storage_full', 'full')),
      }),
    })
    client.socket.write(fluentdMessage('web.full', entry(seconds, {}), { chunk }))
    while (!forward.outcomes.includes('storage_full')) await sleep(10)
    client.socket.destroy()
    while (forward.connections() > 0) await sleep(10)
    expect(client.messages).toEqual([])
  })

  it('acknowledges what it has in hand before it closes', async () => {
    let letIn = (): void => {}
    const opened = new Promise<void>((resolve) => (letIn = resolve))
    let inHand = 0
    const client = await open({
      collect: (real) => ({
        async accept(request) {
          inHand += 1
          await opened
          return await real.accept(request)
        },
      }),
    })
    client.socket.write(fluentdMessage('web.drained', entry(seconds, {}), { chunk }))
    await expect.poll(() => inHand).toBe(1)
    const drained = forward.listener.drain()
    await expect(Line.to(forward.port)).rejects.toThrow()
    letIn()
    await drained
    await client.closed()
    expect(client.messages).toEqual([{ ack: chunk }])
  })
})

describe('TLS', () => {
  const pem = (name: string) => readFileSync(new URL(`testing/tls/${name}`, import.meta.url))
  const own = { cert: pem('certificate.pem'), key: pem('key.pem') }

  it('lets in clients whose certificate an authority has signed, and no others', async () => {
    forward = await openForward({ tls: { ...own, ca: own.cert, requestCert: true } }, parts)
    const address = { host: 'localhost', port: forward.port, ca: own.cert }
    const message = fluentdMessage('web.certified', entry(seconds, { n: 1 }), { chunk })
    const known = new Line(connect({ ...address, ...own }))
    lines.push(known)
    known.socket.write(message)
    expect(await known.hear(1)).toEqual([{ ack: chunk }])
    const unknown = new Line(connect(address))
    lines.push(unknown)
    unknown.socket.write(message)
    await unknown.closed()
    expect(unknown.messages).toEqual([])
    expect(forward.outcomes).toContain('unauthenticated')
  })

  it('is not to be had by what is no TLS', async () => {
    const plain = await open({ tls: own })
    plain.socket.write(fluentdMessage('web.plain', entry(seconds, {}), { chunk }))
    await plain.closed()
    expect(forward.outcomes).toEqual(['unauthenticated'])
  })
})

describe('the handshake', () => {
  const sha512 = (...of: (string | Uint8Array)[]): string => {
    const hash = createHash('sha512')
    for (const part of of) hash.update(part)
    return hash.digest('hex')
  }
  interface Secrets {
    readonly sharedKey: string
    readonly username?: string
    readonly password?: string
    readonly hostname?: string
  }

  /** Answers HELO, and returns the PONG. */
  async function greet(client: Line, { sharedKey, username = '', password = '', hostname = 'me' }: Secrets) {
    const [helo] = (await client.hear(1)) as [
      [string, { nonce: Uint8Array; auth: Uint8Array | ''; keepalive: boolean }],
    ]
    expect(helo[0]).toBe('HELO')
    expect(helo[1].keepalive).toBe(true)
    const { nonce, auth } = helo[1]
    const salt = 'salt'
    const digest = auth === '' ? '' : sha512(auth, username, password)
    client.socket.write(encode(['PING', hostname, salt, sha512(salt, hostname, nonce, sharedKey), username, digest]))
    const [, pong] = (await client.hear(2)) as [unknown, [string, boolean, string, string, string]]
    if (pong[1]) expect(pong[4]).toBe(sha512(salt, pong[3], nonce, sharedKey))
    return pong
  }

  it('lets in who knows the shared key, as the API key that its user name is', async () => {
    const client = await open({ sharedKey: 'secret' })
    const pong = await greet(client, { sharedKey: 'secret', username: forward.apiKey })
    expect(pong.slice(0, 4)).toEqual(['PONG', true, '', 'biwa.test'])
    client.socket.write(fluentdMessage('web.greeted', entry(seconds, { n: 1 }), { chunk }))
    expect((await client.hear(3))[2]).toEqual({ ack: chunk })
  })

  it('lets in users by their passwords, or everybody as the key of the port', async () => {
    const users = (apiKey: string) => [{ name: 'fluent', password: 'word', apiKey }]
    const client = await open({ sharedKey: 'secret', users })
    expect((await greet(client, { sharedKey: 'secret', username: 'fluent', password: 'word' }))[1]).toBe(true)
    const wrong = await line()
    expect((await greet(wrong, { sharedKey: 'secret', username: 'fluent', password: 'sword' }))[1]).toBe(false)
    await forward.close()
    const plain = await open({ sharedKey: 'secret', apiKey: forward.apiKey })
    expect((await greet(plain, { sharedKey: 'secret' }))[1]).toBe(true)
  })

  it('refuses a wrong key, an unknown user, its own name, and whoever does not answer, with a reason', async () => {
    const wrong = await open({ sharedKey: 'secret' })
    expect((await greet(wrong, { sharedKey: 'sacred' }))[2]).toMatch(/shared key/)
    const unknown = await line()
    expect((await greet(unknown, { sharedKey: 'secret', username: 'nobody' }))[2]).toMatch(/no user/)
    const noKey = await line()
    expect((await greet(noKey, { sharedKey: 'secret', username: `1/${'0'.repeat(40)}` }))[1]).toBe(false)
    const same = await line()
    expect((await greet(same, { sharedKey: 'secret', hostname: 'biwa.test' }))[2]).toMatch(/server’s name/)
    const rude = await line()
    rude.socket.write(fluentdMessage('web.rude', entry(seconds, {}), { chunk }))
    await rude.closed()
    expect(forward.refusals.length).toBe(5)
    expect(forward.outcomes.every((outcome) => outcome !== 'accepted')).toBe(true)
    await forward.close()
    const silent = await open({ sharedKey: 'secret', limits: { handshakeMsMax: 200 } })
    await silent.closed()
    expect(forward.refusals.length).toBe(1)
    expect(forward.outcomes).not.toContain('accepted')
  })
})
