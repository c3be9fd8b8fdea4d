import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'

import { systemDisk } from '../../base/disk.ts'
import { openConversions } from '../testing/run-conversion.ts'
import { cutLongBody } from './long-body.ts'
import type { ConvertBody } from './tasks.ts'

const folder = mkdtempSync(join(tmpdir(), 'biwa-long-'))
afterAll(() => rm(folder, { recursive: true }))
let number = 0

async function cut(content: Uint8Array, kind: Pick<ConvertBody, 'format' | 'encoding'>, pieceBytes: number) {
  const path = join(folder, String(number++))
  writeFileSync(path, Buffer.concat([Buffer.from('before'), content]))
  const body = { path, offset: 6, bytes: content.byteLength, ...kind, timeColumn: null, receivedAtUs: 0 }
  const pieces: Buffer[] = []
  let offset = 0
  for await (const piece of cutLongBody(body, systemDisk, pieceBytes)) {
    expect(piece.offset).toBe(offset)
    offset += piece.bytes.byteLength
    pieces.push(Buffer.from(piece.bytes))
  }
  return pieces
}

const record = fc.dictionary(fc.string({ maxLength: 8 }), fc.oneof(fc.string(), fc.integer(), fc.array(fc.integer())))

describe('a long body', () => {
  it('of MessagePack is cut between records, in whichever compression', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 40 }), fc.boolean(), async (records, isGzip) => {
        const encoded = records.map((one) => Buffer.from(encode(one)))
        const all = Buffer.concat(encoded)
        const ends = new Set([0])
        for (const one of encoded) ends.add(Math.max(...ends) + one.byteLength)
        const encoding = isGzip ? 'gzip' : 'identity'
        const longest = Math.max(...encoded.map((one) => one.byteLength))
        const pieces = await cut(isGzip ? gzipSync(all) : all, { format: 'msgpack', encoding }, longest)
        expect(Buffer.concat(pieces).equals(all)).toBe(true)
        let at = 0
        for (const piece of pieces) expect(ends).toContain((at += piece.byteLength))
      }),
      { numRuns: 50 },
    )
  })

  it('of lines is cut behind a line', async () => {
    const lines = Array.from({ length: 300_000 }, (_, n) => `{"n":${n}}\n`).join('')
    const members = Buffer.concat([gzipSync(lines.slice(0, 1000)), gzipSync(lines.slice(1000))])
    const pieces = await cut(members, { format: 'ndjson', encoding: 'gzip' }, 500_000)
    expect(pieces.length).toBeGreaterThan(3)
    for (const piece of pieces) expect(piece.at(-1)).toBe(10)
    expect(Buffer.concat(pieces).toString()).toBe(lines)
  })

  it('that is torn, broken or a bomb is refused', async () => {
    const noise = Array.from({ length: 200 }, () => `{"n":"${randomBytes(20).toString('hex')}"}\n`).join('')
    const torn = gzipSync(noise).subarray(0, 500)
    const lines = { format: 'ndjson', encoding: 'gzip' } as const
    await expect(cut(torn, lines, 1000)).rejects.toMatchObject({ code: 'body_malformed' })
    const bad = Buffer.from([...gzipSync(noise).subarray(0, 300), ...Buffer.alloc(100, 0xff)])
    await expect(cut(bad, lines, 1000)).rejects.toMatchObject({ code: 'body_malformed' })
    const flat = gzipSync(Buffer.alloc(64 << 20, '\n'), { level: 9 })
    await expect(cut(flat, lines, 1 << 20)).rejects.toMatchObject({
      code: 'inflate_ratio_too_large',
    })
    const unused = Buffer.from([0x81, 0xa1, 0x61, 0xc1, 0x80])
    await expect(cut(unused, { format: 'msgpack', encoding: 'identity' }, 1)).rejects.toMatchObject({
      code: 'body_malformed',
    })
    const endless = Buffer.concat([Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(3 << 20, 0xa0)])
    await expect(cut(endless, { format: 'msgpack', encoding: 'identity' }, 1 << 20)).rejects.toMatchObject({
      code: 'body_malformed',
    })
  })
})

describe('the conversion of a long body', () => {
  const small = openConversions(0, { limits: { wholeBytesMax: 10_000, pieceBytes: 10_000 } })
  afterAll(small.remove)
  const lines = Array.from({ length: 3000 }, (_, n) => (n % 1000 === 999 ? '{"n":\n' : `{"time":${n},"n":${n}}\n`))

  it('goes on from piece to piece, with the places of what it rejects', async () => {
    const content = lines.join('')
    const result = await small.run([{ content, mayBeLong: true }, { content: '{"time":1,"n":5}\n' }])
    expect(result.files.length).toBeGreaterThan(2)
    expect(result.bodies).toMatchObject([
      { rows: 2997, rejected: 3, error: null },
      { rows: 1, rejected: 0, error: null },
    ])
    for (const { recordNumber, byteOffset, raw } of result.bodies[0]?.rejectedRows ?? []) {
      expect([999, 1999, 2999]).toContain(recordNumber)
      expect(content.slice(byteOffset ?? 0).startsWith(Buffer.from(raw).toString())).toBe(true)
      expect(lines.slice(0, recordNumber).join('').length).toBe(byteOffset)
    }
    expect(result.fresh).toEqual(['n bigint'])
    const [sum] = await small.read(result, 'select count(*)::int as rows, sum(n)::int as n from rows')
    expect(sum).toEqual({ rows: 2998, n: (2999 * 3000) / 2 - 999 - 1999 - 2999 + 5 })
  })

  it('drops what it made of a body that turns out to be torn, and keeps its neighbours', async () => {
    const records = Array.from({ length: 3000 }, (_, n) => Buffer.from(encode({ time: n, n })))
    const torn = Buffer.concat([...records.slice(0, 2000), Buffer.from([0xc1]), ...records])
    const body = { content: torn, format: 'msgpack', mayBeLong: true } as const
    const result = await small.run([{ content: '{"time":1}\n' }, body, { content: '{"time":2}\n' }])
    expect(result.bodies.map(({ rows, error }) => [rows, error?.code])).toEqual([
      [1, undefined],
      [0, 'body_malformed'],
      [1, undefined],
    ])
    expect(result.files.reduce((sum, { rows }) => sum + rows, 0)).toBe(2)
  })

  it('is refused where its format cannot be cut, or nobody allowed it', async () => {
    const long = `time,n\n${'1,2\n'.repeat(5000)}`
    const result = await small.run([{ content: long, format: 'csv', mayBeLong: true }, { content: lines.join('') }])
    expect(result.bodies.map(({ error }) => error?.code)).toEqual(['inflated_too_large', 'inflated_too_large'])
  })
})
