import type { FrameHeader } from './inbox.ts'

const digitZero = 0x30
const closingBrace = 0x7d

/** Whatever has more digits is no safe integer. */
const digitsMax = 16

/** What stands before the moment of receipt, which is the last member that is written. */
const lastMember = '"receivedAtUs":'

/**
 * Reads headers of frames that lie one behind the other. Where single events come in, neighbours differ in nothing but the moment of
 * receipt, which stands last: what is known from the header before is compared, which takes a tenth of reading it again.
 */
export class FrameHeaders {
  #known: FrameHeader | undefined
  /** The text of the known header up to its last value. */
  #text: Buffer = Buffer.alloc(0)

  /** The header that stands in `[from, to)`; the bytes are known to be sound. */
  read(bytes: Buffer, from: number, to: number): FrameHeader {
    const known = this.#known
    if (known !== undefined && this.#isAsKnown(bytes, from, to)) {
      const receivedAtUs = integerAt(bytes, from + this.#text.byteLength, to - 1)
      if (receivedAtUs !== undefined) return receivedThen(known, receivedAtUs)
    }
    const text = bytes.toString('utf8', from, to)
    const header = JSON.parse(text) as FrameHeader
    const cut = text.lastIndexOf(lastMember) + lastMember.length
    this.#known = text === `${text.slice(0, cut)}${header.receivedAtUs}}` ? header : undefined
    this.#text = Buffer.from(text.slice(0, cut))
    return header
  }

  #isAsKnown(bytes: Buffer, from: number, to: number): boolean {
    const { byteLength } = this.#text
    if (from + byteLength >= to || bytes[to - 1] !== closingBrace) return false
    return bytes.compare(this.#text, 0, byteLength, from, from + byteLength) === 0
  }
}

/** Written out: a spread takes longer than to read the text again. */
function receivedThen(known: FrameHeader, receivedAtUs: number): FrameHeader {
  const { accountId, userId, keyId, database, table, uniqueId, format, encoding, timeColumn, door } = known
  return { accountId, userId, keyId, database, table, uniqueId, format, encoding, timeColumn, door, receivedAtUs }
}

/** Undefined where something else than a number of few digits stands there. */
function integerAt(bytes: Buffer, from: number, to: number): number | undefined {
  if (to <= from || to - from > digitsMax) return undefined
  let value = 0
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] as number) - digitZero
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return Number.isSafeInteger(value) ? value : undefined
}
