import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { inflatedBytesMax } from '../limits.ts'
import { inflate } from './inflate.ts'

/** A zstd frame (RFC 8878 §3.1.1) of blocks that repeat one byte: 4 bytes for each 128 KiB. */
function zstdOfZeroes(blocks: number): Buffer {
  const blockBytes = 128 * 1024
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])
  const parts = Array.from({ length: blocks }, (_, index) => {
    const isLast = index === blocks - 1 ? 1 : 0
    const block = Buffer.alloc(4)
    block.writeUIntLE((blockBytes << 3) | (1 << 1) | isLast, 0, 3)
    return block
  })
  return Buffer.concat([header, ...parts])
}

/** A zstd frame of one raw block. */
function zstdOf(content: Buffer): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])
  const block = Buffer.alloc(3)
  block.writeUIntLE((content.byteLength << 3) | 1, 0, 3)
  return Buffer.concat([header, block, content])
}

describe('inflate', () => {
  it('returns what was compressed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const body = Buffer.from(bytes)
        expect(inflate(gzipSync(body), 'gzip').equals(body)).toBe(true)
        expect(inflate(deflateSync(body), 'deflate').equals(body)).toBe(true)
        expect(inflate(brotliCompressSync(body), 'br').equals(body)).toBe(true)
        expect(inflate(zstdOf(body), 'zstd').equals(body)).toBe(true)
        expect(inflate(body, 'identity')).toBe(body)
      }),
    )
  })

  it('reads deflate with and without its header', () => {
    const body = Buffer.from('{"a":1}\n'.repeat(100))
    expect(inflate(deflateSync(body), 'deflate').equals(body)).toBe(true)
    expect(inflate(deflateRawSync(body), 'deflate').equals(body)).toBe(true)
  })

  it('reads several members and frames as one body', () => {
    const gzip = Buffer.concat([gzipSync('one '), gzipSync(''), gzipSync('two')])
    expect(inflate(gzip, 'gzip').toString()).toBe('one two')
    const long = Buffer.from('{"a":1}\n'.repeat(400_000))
    for (const members of [[long, Buffer.from('\n')], [Buffer.from('\n'), long], [long]]) {
      const body = Buffer.concat(members.map((member) => gzipSync(member)))
      expect(inflate(body, 'gzip').equals(Buffer.concat(members))).toBe(true)
    }
    const zstd = Buffer.concat([zstdOf(Buffer.from('one ')), zstdOf(Buffer.from('two'))])
    expect(inflate(zstd, 'zstd').toString()).toBe('one two')
  })

  it('finds nothing in an empty body, and in one that holds nothing', () => {
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd'] as const) {
      expect(inflate(Buffer.alloc(0), encoding).byteLength).toBe(0)
    }
    expect(inflate(gzipSync(''), 'gzip').byteLength).toBe(0)
  })

  it('refuses what is torn, what is something else, and what goes on behind the end', () => {
    const body = Buffer.from('{"a":1}\n'.repeat(100))
    const compressed = {
      gzip: gzipSync(body),
      deflate: deflateSync(body),
      br: brotliCompressSync(body),
      zstd: zstdOf(body),
    }
    for (const [name, bytes] of Object.entries(compressed)) {
      const encoding = name as keyof typeof compressed
      const broken = [bytes.subarray(0, -5), Buffer.from('plain text, not compressed')]
      if (encoding !== 'zstd') broken.push(Buffer.concat([bytes, Buffer.from('more')]))
      for (const one of broken) {
        expect(() => inflate(one, encoding), `${name} ${one.toString('hex').slice(-20)}`).toThrow(
          expect.objectContaining({ code: 'body_malformed' }),
        )
      }
    }
  })

  it('never throws anything but an error for the sender', () => {
    const encoding = fc.constantFrom('gzip', 'deflate', 'br', 'zstd')
    fc.assert(
      fc.property(encoding, fc.uint8Array({ maxLength: 300 }), fc.nat(), (name, noise, flip) => {
        const whole = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdOf }[name](
          Buffer.from(noise),
        )
        whole.writeUInt8(whole.readUInt8(flip % whole.byteLength) ^ 0xff, flip % whole.byteLength)
        try {
          inflate(whole, name)
        } catch (error) {
          expect(error).toMatchObject({ name: 'AppError' })
        }
      }),
    )
  })

  it('stops at bombs', () => {
    const bomb = { code: 'inflate_ratio_too_large' }
    const zeroes = Buffer.alloc(40 * 2 ** 20)
    expect(inflate(gzipSync(zeroes.subarray(0, 2 ** 20)), 'gzip').byteLength).toBe(2 ** 20)
    expect(() => inflate(gzipSync(zeroes), 'gzip')).toThrow(expect.objectContaining(bomb))
    expect(() => inflate(brotliCompressSync(zeroes), 'br')).toThrow(expect.objectContaining(bomb))
    expect(() => inflate(zstdOfZeroes(1000), 'zstd')).toThrow(expect.objectContaining(bomb))
    // Noise in front keeps the ratio honest.
    const noise = randomBytes(600_000)
    const pieces = Array.from({ length: 5 }, (_, index) =>
      zstdOf(noise.subarray(index * 120_000, (index + 1) * 120_000)),
    )
    const large = Buffer.concat([...pieces, zstdOfZeroes(inflatedBytesMax / (128 * 1024) + 1)])
    expect(() => inflate(large, 'zstd')).toThrow(expect.objectContaining({ code: 'inflated_too_large' }))
  })
})
