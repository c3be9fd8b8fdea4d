import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { usualHead } from './request-head.ts'

const usual = [
  'PUT /databases/d/tables/t/import?id=a-1&format=msgpack HTTP/1.1',
  'Host: biwa.example',
  'Authorization: Bearer 1/abc',
  'Content-Type: application/msgpack',
  'Content-Length: 7',
]

const bytesOf = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')

/** What Node's own server makes of it; undefined where it refuses. */
function byNode(bytes: Buffer): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const server = createServer((request) => resolve(request))
    server.on('clientError', () => resolve(undefined))
    const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    server.emit('connection', connection)
    connection.push(bytes)
    setImmediate(() => setImmediate(() => resolve(undefined)))
  })
}

describe('a head', () => {
  it('is read with its body left behind it', () => {
    const head = bytesOf(usual)
    expect(usualHead(Buffer.concat([head, Buffer.from('content')]))).toEqual({
      method: 'PUT',
      url: '/databases/d/tables/t/import?id=a-1&format=msgpack',
      path: '/databases/d/tables/t/import',
      query: { id: 'a-1', format: 'msgpack' },
      headers: {
        host: 'biwa.example',
        authorization: 'Bearer 1/abc',
        'content-type': 'application/msgpack',
        'content-length': '7',
      },
      headBytes: head.byteLength,
      bodyBytes: 7,
    })
  })

  it.each<[string, (lines: string[]) => string[]]>([
    ['has another method', ([, ...rest]) => ['GET /a HTTP/1.1', ...rest]],
    ['is of another version', ([, ...rest]) => ['PUT /a HTTP/1.0', ...rest]],
    ['has something encoded in its path', ([, ...rest]) => ['PUT /a%2fb HTTP/1.1', ...rest]],
    ['has something encoded in its query', ([, ...rest]) => ['PUT /a?id=%31 HTTP/1.1', ...rest]],
    ['has a parameter twice', ([, ...rest]) => ['PUT /a?id=1&id=2 HTTP/1.1', ...rest]],
    ['has a parameter without a value', ([, ...rest]) => ['PUT /a?id HTTP/1.1', ...rest]],
    ['has no host', (lines) => lines.filter((line) => !line.startsWith('Host'))],
    ['announces no length', (lines) => lines.filter((line) => !line.startsWith('Content-Length'))],
    ['announces two lengths', (lines) => [...lines, 'content-length: 8']],
    ['announces a list of lengths', (lines) => lines.map((line) => line.replace(': 7', ': 7, 7'))],
    ['announces a signed length', (lines) => lines.map((line) => line.replace(': 7', ': +7'))],
    ['is sent in chunks', (lines) => [...lines, 'Transfer-Encoding: chunked']],
    ['waits for 100 Continue', (lines) => [...lines, 'Expect: 100-continue']],
    ['wants another protocol', (lines) => [...lines, 'Upgrade: h2c', 'Connection: upgrade']],
    ['is the last on its connection', (lines) => [...lines, 'Connection: close']],
    ['has a header twice', (lines) => [...lines, 'host: other.example']],
    ['has a header on two lines', (lines) => [...lines, ' and more']],
    ['has a space before a colon', (lines) => [...lines, 'X-A : b']],
    ['has a control character in it', (lines) => [...lines, 'X-A: b\u0000c']],
    ['has a lone line feed in it', (lines) => [...lines, 'X-A: b\nTransfer-Encoding: chunked']],
    ['has more than ASCII in it', (lines) => [...lines, 'X-A: ü']],
  ])('is left to others that %s', (_what, change) => {
    expect(usualHead(bytesOf(usual))).toBeDefined()
    expect(usualHead(bytesOf(change(usual)))).toBeUndefined()
  })

  it('is left to others that is not all there', () => {
    const head = bytesOf(usual)
    for (let end = 0; end < head.byteLength; end += 1) expect(usualHead(head.subarray(0, end))).toBeUndefined()
  })

  it('is read as Node’s own server reads it, whatever is wrong with it, or not at all', async () => {
    const characters = ['\r\n', '\n', '\r', ' ', '\t', ':', ',', ';', '\u0000', 'ü', '"', '%', '?', '&', '=', '#', '\\']
    const words = ['Content-Length: 3', 'Transfer-Encoding: chunked', 'X-A: b', 'HTTP/1.1', '..', '//', '0', '7']
    const bits = fc.constantFrom(...characters, ...words)
    let taken = 0
    const change = fc.record({ at: fc.nat(), bit: bits, drops: fc.nat(2) })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 3 }), async (changes) => {
        let bytes = bytesOf(usual)
        for (const { at, bit, drops } of changes) {
          const place = at % bytes.byteLength
          const parts = [bytes.subarray(0, place), Buffer.from(bit, 'latin1'), bytes.subarray(place + drops)]
          bytes = Buffer.concat(parts)
        }
        const ours = usualHead(bytes)
        if (ours === undefined) return
        taken += 1
        const theirs = await byNode(bytes)
        expect(theirs).toMatchObject({ method: ours.method, url: ours.url, httpVersion: '1.1' })
        expect({ ...theirs?.headers }).toEqual({ ...ours.headers })
        expect(Number(theirs?.headers['content-length'])).toBe(ours.bodyBytes)
      }),
      { numRuns: 2000 },
    )
    expect(taken).toBeGreaterThan(100)
  })
})
