import fc from 'fast-check'

/** Bytes that decoders take for lengths, nestings and ends. */
const telling = [
  'ffffffff',
  '7fffffff',
  '00000000',
  'df7fffffff',
  'ddffffffff',
  'c6ffffff',
  'dbfffffff0',
  'c9ffffffff00',
  'd700ffffffffffffffff',
  '9191919191919191',
  '5b5b5b5b5b5b5b5b',
  '7b22617b22617b22',
  '22',
  '5c75443830',
  '0d0a2d2d',
  'efbbbf',
  '00',
  'c0',
].map((digits) => Buffer.from(digits, 'hex'))

/** A change of some bytes; the numbers are shares of their length, so that it fits bytes of any length. */
const change = fc.record({
  kind: fc.constantFrom('flip', 'insert', 'remove', 'repeat', 'cut', 'swap'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 0, max: 64 }),
  bytes: fc.oneof(
    fc.constantFrom(...telling),
    fc.uint8Array({ maxLength: 8 }).map((some) => Buffer.from(some)),
  ),
})
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never

const mutatedBytesMax = 1 << 18

/** What somebody really sent, and what may become of it on a bad way or in bad hands. */
export function mutated(captures: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const changes = fc.array(change, { maxLength: 12 })
  return fc
    .tuple(fc.nat(captures.length - 1), fc.nat(captures.length - 1), changes)
    .map(([index, other, list]) =>
      list.reduce(
        (bytes, one) => applied(bytes, one, captures[other] ?? Buffer.alloc(0)).subarray(0, mutatedBytesMax),
        captures[index] ?? Buffer.alloc(0),
      ),
    )
}

function applied(bytes: Buffer, { kind, at: share, length, bytes: some }: Change, other: Buffer): Buffer {
  const at = Math.floor(share * bytes.byteLength)
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (kind) {
    case 'flip': {
      const copy = Buffer.from(bytes)
      if (at < copy.byteLength) copy[at] = (copy[at] ?? 0) ^ (1 << (length % 8))
      return copy
    }
    case 'insert':
      return Buffer.concat([head, some, tail])
    case 'remove':
      return Buffer.concat([head, tail.subarray(length)])
    case 'repeat':
      return Buffer.concat([head, ...Array.from({ length: 1 + length }, () => tail.subarray(0, length)), tail])
    case 'swap':
      return Buffer.concat([head, other.subarray(Math.floor(share * other.byteLength))])
    default:
      return head
  }
}
