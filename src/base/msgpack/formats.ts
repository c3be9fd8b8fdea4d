/** The families of MessagePack's formats, as far as their payload is told by a length. */
export type MsgpackFamily =
  | 'nil'
  /** The first byte is the number. */
  | 'fixint'
  | 'false'
  | 'true'
  | 'int'
  | 'uint'
  | 'float'
  | 'str'
  | 'bin'
  | 'array'
  | 'map'
  | 'ext'
  | 'unused'

/** How the values begin, by their first byte (msgpack spec, "Formats"): of 0xc0 to 0xdf in this order. */
const formats: readonly (readonly [MsgpackFamily, lengthBytes: number, size: number])[] = [
  ['nil', 0, 0],
  ['unused', 0, 0],
  ['false', 0, 0],
  ['true', 0, 0],
  ['bin', 1, 0],
  ['bin', 2, 0],
  ['bin', 4, 0],
  ['ext', 1, 1],
  ['ext', 2, 1],
  ['ext', 4, 1],
  ['float', 0, 4],
  ['float', 0, 8],
  ['uint', 0, 1],
  ['uint', 0, 2],
  ['uint', 0, 4],
  ['uint', 0, 8],
  ['int', 0, 1],
  ['int', 0, 2],
  ['int', 0, 4],
  ['int', 0, 8],
  ['ext', 0, 2],
  ['ext', 0, 3],
  ['ext', 0, 5],
  ['ext', 0, 9],
  ['ext', 0, 17],
  ['str', 1, 0],
  ['str', 2, 0],
  ['str', 4, 0],
  ['array', 2, 0],
  ['array', 4, 0],
  ['map', 2, 0],
  ['map', 4, 0],
]

function formatOf(first: number): (typeof formats)[number] {
  if (first < 0x80 || first >= 0xe0) return ['fixint', 0, 0]
  if (first < 0x90) return ['map', 0, first & 0x0f]
  if (first < 0xa0) return ['array', 0, first & 0x0f]
  if (first < 0xc0) return ['str', 0, first & 0x1f]
  return formats[first - 0xc0] as (typeof formats)[number]
}

const everyFirst = Array.from({ length: 256 }, (_, first) => formatOf(first))
export const familyOf: readonly MsgpackFamily[] = everyFirst.map(([family]) => family)
/** By the first byte: how many bytes behind the first say the length. */
export const lengthBytesOf = Uint8Array.from(everyFirst, ([, lengthBytes]) => lengthBytes)
/** By the first byte: bytes of payload that it says, or values of an array, or pairs of a map. */
export const sizeOf = Uint8Array.from(everyFirst, ([, , size]) => size)
