const perLine = 16

/** Bytes as hexadecimal digits with their offsets, and the text that they would be in ASCII. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.byteLength; at += perLine) {
    const some = [...bytes.subarray(at, at + perLine)]
    const digits = some.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = some.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${digits.padEnd(3 * perLine - 1)}  ${text}\n`)
  }
  return lines.join('')
}
