/** Says whether the bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
export function isUtf8Range(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end && (bytes[at] as number) < 0x80) at += 1
  while (at < end) {
    const first = bytes[at] as number
    if (first < 0x80) {
      at += 1
      continue
    }
    const length = sequenceLength(first)
    if (length === 0 || at + length > end || !isSecondByte(first, bytes[at + 1] as number)) return false
    for (let index = at + 2; index < at + length; index += 1) {
      if (((bytes[index] as number) & 0xc0) !== 0x80) return false
    }
    at += length
  }
  return true
}

/** How many bytes the first one announces; 0 where none may begin so. */
function sequenceLength(first: number): number {
  if (first < 0xc2) return 0
  if (first < 0xe0) return 2
  if (first < 0xf0) return 3
  return first < 0xf5 ? 4 : 0
}

/** The second byte is where overlong forms (E0, F0), surrogates (ED) and what is above U+10FFFF (F4) show. */
function isSecondByte(first: number, second: number): boolean {
  const from = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const to = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  return second >= from && second <= to
}

/** As `isUtf8Range`, looking at four bytes at a time as long as they are ASCII. */
export function isUtf8Words(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  let at = start
  for (const last = end - 4; at <= last; at += 4) if ((view.getInt32(at, true) & 0x80808080) !== 0) break
  return isUtf8Range(bytes, at, end)
}
