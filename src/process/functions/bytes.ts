import { AppError } from '../../base/errors.ts'

/** As much of a text from its beginning as takes at most so many bytes in a character set, in whole characters. */
export function cutToBytes(text: string, bytesMax: number, charset: string): string {
  const sizeOf = characterSizes(charset)
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += sizeOf(character)
    if (bytes > bytesMax) break
    end += character.length
  }
  return text.slice(0, end)
}

type SizeOf = (character: string) => number

const sizes = new Map<string, SizeOf>()

function characterSizes(charset: string): SizeOf {
  const name = charset.trim().toLowerCase()
  const known = sizes.get(name)
  if (known !== undefined) return known
  const made = sizesOf(name)
  if (made === undefined) {
    throw new AppError('query_data', `The character set ${JSON.stringify(charset.slice(0, 60))} is not known.`, {
      hint: 'Known are UTF-8, UTF-16, US-ASCII, ISO-8859-1, Shift_JIS, EUC-JP, EUC-KR, GBK and Big5.',
    })
  }
  sizes.set(name, made)
  return made
}

const doubleByteSets: ReadonlySet<string> = new Set(
  'shift_jis sjis shift-jis windows-31j ms932 euc-jp euc-kr gbk gb2312 big5'.split(' '),
)
const decoderNames: Readonly<Record<string, string>> = { 'windows-31j': 'shift_jis', ms932: 'shift_jis' }

function sizesOf(name: string): SizeOf | undefined {
  if (name === 'utf-8' || name === 'utf8') return (character) => Buffer.byteLength(character)
  if (/^utf-?16(?:be|le)?$/.test(name)) return (character) => 2 * character.length
  if (['us-ascii', 'ascii', 'iso-8859-1', 'latin1', 'windows-1252'].includes(name)) return () => 1
  return doubleByteSets.has(name) ? measured(decoderNames[name] ?? name) : undefined
}

/** What one byte, two and three decode to, by asking for all of them; a character that the set has not becomes one ?. */
function measured(decoderName: string): SizeOf {
  const decoder = new TextDecoder(decoderName, { fatal: true })
  const found = new Map<string, number>()
  const learn = (...bytes: readonly number[]) => {
    try {
      const text = decoder.decode(Uint8Array.from(bytes))
      if (text.length === 1 && !found.has(text)) found.set(text, bytes.length)
    } catch {
      // These bytes are no character.
    }
  }
  for (let first = 0; first < 256; first += 1) learn(first)
  for (let first = 0x80; first < 256; first += 1)
    for (let second = 0x40; second < 256; second += 1) learn(first, second)
  return (character) => found.get(character) ?? 1
}
