import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'

import { entry, eventTime, fluentdMessage, pack } from '../../src/protocols/fluent/testing/wire.ts'

const record = {
  time: 1_700_000_000,
  host: 'a',
  bytes: 12n,
  ratio: 0.5,
  ok: true,
  tags: ['x', { y: [null, 'ü'] }],
  big: 2n ** 63n,
}

const json =
  '{"time":1700000000,"host":"a","bytes":12,"ratio":0.5e-3,"ok":true,"tags":["x",{"y":[null,"\\u00fc\\ud83d\\ude00"]}]}'

export const ndjson: readonly Buffer[] = [`${json}\n${json}\r\n\n${json}`, '{}\n{"a":-0}\n'].map((text) =>
  Buffer.from(text),
)

export const jsonDocuments: readonly Buffer[] = [`[${json}, ${json}]`, `\uFEFF ${json}`, '[{"a":"]}"}]'].map((text) =>
  Buffer.from(text),
)

export const msgpack: readonly Buffer[] = [
  Buffer.concat([record, record].map((one) => encode(one, { useBigInt64: true }))),
  Buffer.from(encode([{ a: new Date(1_700_000_000_123), b: new Uint8Array(40), c: 'x'.repeat(300) }])),
]

export const csv: readonly Buffer[] = ['a,b,c\r\n1,"x ""y"", z",\r\n0012,2,3\n', 'a\tb\n1\t2\n"\n', 'a\n'].map((text) =>
  Buffer.from(text),
)

export const forms: readonly { readonly type: string; readonly body: Buffer }[] = [
  { type: 'application/x-www-form-urlencoded', body: Buffer.from('query=select+1%3B&priority=-1&query=%E3%81%82') },
  {
    type: 'multipart/form-data; boundary=0a1b2c3d4e5f60718293a4b5c6d7e8f9',
    body: Buffer.from(
      [
        '--0a1b2c3d4e5f60718293a4b5c6d7e8f9',
        'Content-Disposition: form-data; name="query"',
        '',
        'select 1',
        '--0a1b2c3d4e5f60718293a4b5c6d7e8f9',
        'Content-Disposition: form-data; name="file"; filename="x"',
        'Content-Type: application/octet-stream',
        '',
        'bytes',
        '--0a1b2c3d4e5f60718293a4b5c6d7e8f9--',
        '',
      ].join('\r\n'),
    ),
  },
  { type: 'application/json', body: Buffer.from('{"schema":[["a","long"]],"priority":1,"x":null}') },
]

export const events: readonly Buffer[] = [
  `{"events":[${json},{"td_ip":"td_ip","uuid":"A-1"}]}`,
  `{"db.table":[{"a":1,"#UUID":"B-2","#SSUT":true}]}`,
  json,
].map((text) => Buffer.from(text))

const entries = Buffer.concat([1, 2, 3].map((n) => entry(eventTime(1_700_000_000, n), { n, text: 'ü'.repeat(n) })))

/** Messages in all modes of the forward protocol, and those that the client for Node sends. */
export async function forwardCaptures(): Promise<readonly Buffer[]> {
  return [
    fluentdMessage('web.log', entries, { size: 3, chunk: 'abc=\n' }),
    fluentdMessage('web.log', gzipSync(entries), { compressed: 'gzip', chunk: 'x' }),
    pack(['web.log', [[1_700_000_000, { a: 1 }]], { chunk: 'y' }]),
    pack(['web.log', 1_700_000_000, { a: 1 }]),
    Buffer.from('["web.log",1700000000,{"a":"]"}]{"x":1}'),
    await sentByFluentLogger(),
  ]
}

interface FluentSender {
  emit(label: string, record: object, done: (error?: Error) => void): void
  end(): void
}

async function sentByFluentLogger(): Promise<Buffer> {
  const parts: Buffer[] = []
  const server = createServer((socket) => socket.on('data', (part: Buffer) => parts.push(part))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const logger = createRequire(import.meta.url)('fluent-logger') as {
    createFluentSender(tag: string, options: object): FluentSender
  }
  const sender = logger.createFluentSender('web', {
    host: '127.0.0.1',
    port,
    eventMode: 'PackedForward',
    flushInterval: 1,
  })
  sender.emit('log', { a: 1, text: 'x' }, () => {})
  while (parts.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  sender.end()
  server.close()
  return Buffer.concat(parts)
}
