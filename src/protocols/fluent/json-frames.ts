import { BrokenFrame, elementsMax, tooLarge } from './frame.ts'
import type { FrameScanner } from './frame.ts'

const mark = { quote: 0x22, comma: 0x2c, openArray: 0x5b, backslash: 0x5c, closeArray: 0x5d } as const
const openObject = 0x7b
const closeObject = 0x7d

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/** Goes over JSON by its quotes and brackets alone. What is wrong inside of them is found when it is read. */
export class JsonFrames implements FrameScanner {
  readonly serialization = 'json'
  readonly #bytesMax: number
  starts: number[] = []
  #seen = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** Whether the next byte that is no space begins an element of the outer array. */
  #isElementDue = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get announcedBytes(): number {
    return this.#seen
  }

  reset(): void {
    this.starts = []
    this.#seen = 0
    this.#depth = 0
    this.#isInString = false
    this.#isEscaped = false
    this.#isElementDue = false
  }

  scan(piece: Buffer, start: number): number {
    for (let at = start; at < piece.byteLength; at += 1) {
      const isEnd = this.#take(piece[at] as number)
      this.#seen += 1
      if (isEnd) return at + 1
      if (this.#seen >= this.#bytesMax) throw tooLarge(this.#bytesMax)
    }
    return -1
  }

  /** Whether the frame ends with the byte. */
  #take(byte: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === mark.backslash) this.#isEscaped = true
      else if (byte === mark.quote) this.#isInString = false
      return false
    }
    if (this.#depth === 0) return this.#begin(byte)
    if (isSpace(byte)) return false
    if (this.#isElementDue && byte !== mark.closeArray) this.#beginElement()
    if (byte === mark.quote) this.#isInString = true
    else if (byte === mark.openArray || byte === openObject) this.#depth += 1
    else if (byte === mark.comma && this.#depth === 1) this.#isElementDue = true
    else if (byte === mark.closeArray || byte === closeObject) {
      this.#depth -= 1
      return this.#depth === 0
    }
    return false
  }

  /** Spaces may stand between frames; they are frames of nothing. */
  #begin(byte: number): boolean {
    if (isSpace(byte)) return true
    if (byte !== mark.openArray) throw new BrokenFrame('body_malformed', 'a message in JSON is no array')
    this.#depth = 1
    this.#isElementDue = true
    return false
  }

  #beginElement(): void {
    this.#isElementDue = false
    if (this.starts.length === elementsMax) throw new BrokenFrame('body_malformed', 'a message in JSON is a long array')
    this.starts.push(this.#seen)
  }
}
