import { assert, must } from '../../base/errors.ts'

/**
 * Rows as maps, of rows that are arrays: the way of `table/tail`, where results have the other. The values stay the bytes they
 * are, so that 1.0 does not become 1; those that are nil are left out, as the keys are in the records that had none.
 */
export function mapsOfArrays(names: readonly string[], rows: Buffer): Buffer {
  const keys = names.map(packedText)
  const pieces: Buffer[] = []
  for (let at = 0; at < rows.length;) {
    const { count, bytes } = arrayHead(rows, at)
    assert(count === keys.length, 'a row has a value for each column')
    at += bytes
    const entries: Buffer[] = []
    for (const key of keys) {
      const end = valueEnd(rows, at)
      if (rows[at] !== nil) entries.push(key, rows.subarray(at, end))
      at = end
    }
    pieces.push(mapHead(entries.length / 2), ...entries)
  }
  return Buffer.concat(pieces)
}

const nil = 0xc0

function arrayHead(bytes: Buffer, at: number): { count: number; bytes: number } {
  const first = bytes.readUInt8(at)
  if (first >> 4 === 0x9) return { count: first & 0x0f, bytes: 1 }
  assert(first === 0xdc || first === 0xdd, 'a row is an array')
  return first === 0xdc
    ? { count: bytes.readUInt16BE(at + 1), bytes: 3 }
    : { count: bytes.readUInt32BE(at + 1), bytes: 5 }
}

function mapHead(count: number): Buffer {
  if (count < 16) return Buffer.from([0x80 | count])
  const head = Buffer.alloc(3)
  head.writeUInt8(0xde)
  head.writeUInt16BE(count, 1)
  return head
}

function packedText(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length < 32) return Buffer.concat([Buffer.from([0xa0 | bytes.length]), bytes])
  const head = Buffer.alloc(3)
  head.writeUInt8(0xda)
  head.writeUInt16BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** Where the value ends that begins at `at`. What is inside of it is counted, not entered. */
function valueEnd(bytes: Buffer, at: number): number {
  let end = at
  for (let open = 1; open > 0; open -= 1) {
    const { inside, next } = valueHead(bytes, end)
    open += inside
    end = next
  }
  return end
}

/** How many values are inside of the value at `at`, and where the first of them begins, or else what follows it. */
function valueHead(bytes: Buffer, at: number): { inside: number; next: number } {
  const first = bytes.readUInt8(at)
  if (first <= 0x7f || first >= 0xe0) return { inside: 0, next: at + 1 }
  if (first <= 0x8f) return { inside: (first & 0x0f) * 2, next: at + 1 }
  if (first <= 0x9f) return { inside: first & 0x0f, next: at + 1 }
  if (first <= 0xbf) return { inside: 0, next: at + 1 + (first & 0x1f) }
  const fixed = fixedLengths[first]
  if (fixed !== undefined) return { inside: 0, next: at + 1 + fixed }
  const { lengthBytes, inside, extra } = must(sizedKinds[first], 'MessagePack has a value of this first byte')
  const length = bytes.readUIntBE(at + 1, lengthBytes)
  const next = at + 1 + lengthBytes
  return inside > 0 ? { inside: length * inside, next } : { inside: 0, next: next + extra + length }
}

/** Bytes behind the first one: nil, booleans, floats, integers, and extensions of a fixed size. */
const fixedLengths: Readonly<Record<number, number>> = {
  0xc0: 0,
  0xc2: 0,
  0xc3: 0,
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
  0xd4: 2,
  0xd5: 3,
  0xd6: 5,
  0xd7: 9,
  0xd8: 17,
}

interface SizedKind {
  readonly lengthBytes: 1 | 2 | 4
  /** Values for each of the length: one in arrays, two in maps; none where the length is that of bytes. */
  readonly inside: 0 | 1 | 2
  /** The type of an extension. */
  readonly extra: 0 | 1
}

const sized = (lengthBytes: 1 | 2 | 4, inside: 0 | 1 | 2 = 0, extra: 0 | 1 = 0): SizedKind => ({
  lengthBytes,
  inside,
  extra,
})

const sizedKinds: Readonly<Record<number, SizedKind>> = {
  0xc4: sized(1),
  0xc5: sized(2),
  0xc6: sized(4),
  0xc7: sized(1, 0, 1),
  0xc8: sized(2, 0, 1),
  0xc9: sized(4, 0, 1),
  0xd9: sized(1),
  0xda: sized(2),
  0xdb: sized(4),
  0xdc: sized(2, 1),
  0xdd: sized(4, 1),
  0xde: sized(2, 2),
  0xdf: sized(4, 2),
}
