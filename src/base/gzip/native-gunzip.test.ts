import { constants, crc32, deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { must } from '../errors.ts'
import { compiledModule } from '../testing/compile-module.ts'
import { openModule } from '../web-assembly.ts'
import { openNativeGunzip } from './native-gunzip.ts'

const wasm = await compiledModule('inflate.ts')
const native = must(openNativeGunzip(wasm), 'the processor has what the module takes')

const unbounded = 2 ** 30

function inflate(body: Buffer, bytesMax = unbounded): Buffer | undefined {
  native.turn()
  return native.inflate(body, bytesMax)
}

/** The module by itself, which looks at no checksum: so damage reaches what stands behind it. */
const raw = (() => {
  const module = openModule(wasm) as {
    readonly memory: { readonly buffer: ArrayBuffer }
    readonly stoppedAt: { readonly value: number }
    firstFree(): number
    reserve(bytes: number): void
    inflate(start: number, end: number, target: number, limit: number): number
  }
  const [inputAt, room] = [module.firstFree() + 64, 2 ** 20]
  const target = inputAt + room
  const guardBytes = 4096
  module.reserve(target + room + guardBytes)
  const memory = new Uint8Array(module.memory.buffer)
  return (input: Uint8Array, bytesMax: number) => {
    memory.fill(0xee, inputAt + input.length, inputAt + input.length + 2048)
    memory.fill(0xdd, target - 64, target)
    const slack = memory.subarray(target + bytesMax + 512, target + bytesMax + 512 + guardBytes / 2)
    slack.fill(0xcc)
    memory.set(input, inputAt)
    const end = module.inflate(inputAt, inputAt + input.length, target, target + bytesMax)
    const isKept = slack.every((byte) => byte === 0xcc) && memory.subarray(target - 64, target).every((b) => b === 0xdd)
    if (!isKept) throw new Error('it wrote beyond its room')
    if (end === 0) return undefined
    return { output: Buffer.from(memory.slice(target, end)), consumed: module.stoppedAt.value - inputAt }
  }
})()

function byZlib(input: Uint8Array) {
  try {
    const { buffer, engine } = inflateRawSync(input, { info: true }) as unknown as {
      readonly buffer: Buffer
      readonly engine: { readonly bytesWritten: number }
    }
    return { output: buffer, consumed: engine.bytesWritten }
  } catch {
    return undefined
  }
}

function expectSame(own: NonNullable<ReturnType<typeof raw>>, other: ReturnType<typeof byZlib>): void {
  expect(own.consumed).toBe(other?.consumed)
  expect(other !== undefined && own.output.equals(other.output)).toBe(true)
}

/** Bytes with matches of all lengths and distances, and without. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(400)).map(([bytes, times]) => {
        return Buffer.concat(Array.from({ length: times }, () => bytes))
      }),
      fc.string({ maxLength: 200 }).map((text) => Buffer.from(text)),
      fc.constantFrom('{"name":"value"}\n', 'https://shop.example/', '\0').map((text) => Buffer.from(text)),
    ),
    { maxLength: 60 },
  )
  .chain((parts) => {
    if (parts.length === 0) return fc.constant(Buffer.alloc(0))
    return fc
      .array(fc.nat(parts.length - 1), { maxLength: 200 })
      .map((order) => Buffer.concat(order.map((index) => parts[index] as Buffer)).subarray(0, 100_000))
  })

const settings = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
})

describe('NativeGunzip', () => {
  it('inflates whatever zlib has compressed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(content, settings), { minLength: 1, maxLength: 3 }), (members) => {
        const body = Buffer.concat(members.map(([bytes, how]) => gzipSync(bytes, how)))
        const whole = Buffer.concat(members.map(([bytes]) => bytes))
        expect(inflate(body)?.equals(whole)).toBe(true)
        expect(inflate(body, whole.length)?.equals(whole)).toBe(true)
        if (whole.length > 0) expect(inflate(body, whole.length - 1)).toBe(undefined)
      }),
      { numRuns: 100 },
    )
  })

  it('takes of damaged deflate only what zlib takes, and makes the same of it', () => {
    let taken = 0
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 })
    fc.assert(
      fc.property(content, settings, damage, fc.nat(), (bytes, how, changes, cut) => {
        const input = deflateRawSync(bytes.subarray(0, 20_000), how)
        for (const [place, value] of changes) input.writeUInt8(value, place % input.length)
        const piece = cut % 4 === 0 ? input.subarray(0, cut % (input.length + 1)) : input
        const own = raw(piece, 2 ** 19)
        if (own === undefined) return
        taken += 1
        expectSame(own, byZlib(piece))
      }),
      { numRuns: 600 },
    )
    expect(taken).toBeGreaterThan(100)
  })

  it('takes of noise only what zlib takes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(0b101, 0b011, 0b001), (bytes, header) => {
        const input = Uint8Array.of(((bytes[0] ?? 0) & ~7) | header, ...bytes.subarray(1))
        const own = raw(input, 2 ** 19)
        if (own !== undefined) expectSame(own, byZlib(input))
      }),
      { numRuns: 2000 },
    )
  })

  it('writes nothing beyond its room, whatever is in it', () => {
    fc.assert(
      fc.property(content, settings, fc.nat(), (bytes, how, size) => {
        const bytesMax = size % (bytes.length + 1)
        const own = raw(deflateRawSync(bytes, how), bytesMax)
        if (own !== undefined) expect(own.output.length).toBe(bytes.length)
        expect(own === undefined).toBe(bytesMax < bytes.length)
      }),
      { numRuns: 200 },
    )
  })

  it('takes a distance code of a single bit, as other compressors write it, and no other that has gaps', () => {
    // Dynamic codes by hand: `a` and the end of the block have one bit less than the length 258, and there is one distance.
    const block = (distanceBits: number) => {
      const bits: number[] = []
      const put = (value: number, count: number) => {
        for (let bit = 0; bit < count; bit += 1) bits.push((value >> bit) & 1)
      }
      const code = (text: string) => bits.push(...Array.from(text, Number))
      put(1, 1)
      put(2, 2)
      put(286 - 257, 5)
      put(0, 5)
      put(18 - 4, 4)
      // Codes of lengths: 1, 2 and 18 with two bits, and 0 as well, in the order of the format.
      for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1]) {
        put([0, 1, 2, 18].includes(symbol) ? 2 : 0, 3)
      }
      const lengths = { 0: '00', 1: '01', 2: '10', 18: '11' } as const
      const zeros = (count: number) => {
        code(lengths[18])
        put(count - 11, 7)
      }
      zeros(97)
      code(lengths[1])
      zeros(138)
      zeros(20)
      code(lengths[2])
      zeros(28)
      code(lengths[2])
      code(lengths[distanceBits as 1 | 2])
      code('0')
      code('11')
      code('0')
      code('10')
      const bytes = Buffer.alloc(Math.ceil(bits.length / 8))
      for (const [index, bit] of bits.entries())
        bytes[index >> 3] = (bytes[index >> 3] as number) | (bit << (index & 7))
      return bytes
    }
    const plain = Buffer.from('a'.repeat(259))
    expect(byZlib(block(1))?.output.equals(plain)).toBe(true)
    expect(raw(block(1), 1000)?.output.equals(plain)).toBe(true)
    expect(byZlib(block(2))).toBe(undefined)
    expect(raw(block(2), 1000)).toBe(undefined)
  })

  it('reads headers with a name and more, and leaves others to zlib', () => {
    const plain = Buffer.from('{"a":1}\n'.repeat(10))
    const [deflate, trailer] = [deflateRawSync(plain), Buffer.alloc(8)]
    trailer.writeUInt32LE(crc32(plain), 0)
    trailer.writeUInt32LE(plain.length, 4)
    const member = (flags: number, more: Buffer) => {
      return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255]), more, deflate, trailer])
    }
    const [name, comment, extra] = [Buffer.from('log\0'), Buffer.from('from a file\0'), Buffer.from([2, 0, 7, 7])]
    for (const body of [
      member(1, Buffer.alloc(0)),
      member(8, name),
      member(16, comment),
      member(4, extra),
      member(28, Buffer.concat([extra, name, comment])),
    ]) {
      expect(gunzipSync(body).equals(plain)).toBe(true)
      expect(inflate(body)?.equals(plain)).toBe(true)
    }
    expect(inflate(member(2, Buffer.alloc(2)))).toBe(undefined)
    expect(inflate(member(32, Buffer.alloc(0)))).toBe(undefined)
    expect(inflate(member(8, Buffer.alloc(0)).subarray(0, 19))).toBe(undefined)
    expect(inflate(member(4, Buffer.from([255, 255])))).toBe(undefined)
  })

  it('leaves to zlib what is torn, changed, or goes on behind its end', () => {
    fc.assert(
      fc.property(content, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, place, change) => {
        const body = gzipSync(bytes)
        expect(inflate(body.subarray(0, place % body.length))?.length ?? 0).toBe(0)
        expect(inflate(Buffer.concat([body, Buffer.from([change])]))).toBe(undefined)
        const at = place % body.length
        body.writeUInt8(body.readUInt8(at) ^ change, at)
        const own = inflate(body)
        // Parts of the header say nothing of what is in the body.
        if (own !== undefined) expect(own.equals(gunzipSync(body))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('keeps what it inflated until the turn after the next', () => {
    const bodies = ['one', 'two', 'three'].map((word) => Buffer.from(word.repeat(1000)))
    const inflateAll = () => bodies.map((body) => must(native.inflate(gzipSync(body), unbounded), 'there is room'))
    native.turn()
    const before = inflateAll()
    native.turn()
    const after = inflateAll()
    for (const [index, body] of bodies.entries()) {
      expect(before[index]?.equals(body)).toBe(true)
      expect(after[index]?.equals(body)).toBe(true)
    }
  })

  it('has no room without end', () => {
    const body = gzipSync(Buffer.alloc(10 * 2 ** 20))
    native.turn()
    const taken = [0, 1, 2].map(() => native.inflate(body, unbounded)?.length)
    expect(taken).toEqual([10 * 2 ** 20, 10 * 2 ** 20, undefined])
    native.turn()
    expect(native.inflate(body, unbounded)?.length).toBe(10 * 2 ** 20)
  })
})
