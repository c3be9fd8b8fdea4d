/**
 * A decoder to compare with: written for plainness, on JavaScript strings and by recursion, sharing nothing with the splitter.
 * Values keep their source text.
 */
export interface ReferenceValue {
  readonly kind: 'null' | 'boolean' | 'number' | 'string' | 'nested'
  readonly text: string
  /** Of a string: what it stands for. */
  readonly string: string
  /** Whether all strings in it have a form in UTF-8. */
  readonly isWellFormed: boolean
}

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

export type ReferenceRecord = ReadonlyMap<string, ReferenceValue>

export class Unreadable extends Error {}

const depthMax = 64

/** The fields of one JSON object; throws `Unreadable` where the text is not exactly one that a record may be. */
export function referenceRecord(text: string): ReferenceRecord {
  const parser = new ReferenceParser(text)
  return parser.record()
}

class ReferenceParser {
  readonly #text: string
  #at = 0
  #isWellFormed = true

  constructor(text: string) {
    this.#text = text
  }

  record(): ReferenceRecord {
    const fields = new Map<string, ReferenceValue>()
    this.#space()
    this.#members((key) => {
      if (fields.has(key) || !isWellFormed(key)) throw new Unreadable(key)
      fields.set(key, this.#value(1))
    })
    this.#space()
    if (this.#at !== this.#text.length) throw new Unreadable('something behind the record')
    return fields
  }

  #space(): void {
    this.#match(/[ \t\r\n]*/y)
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) throw new Unreadable(`${pattern} at ${this.#at}`)
    this.#at += found.length
    return found
  }

  #members(member: (key: string) => void): void {
    this.#match(/\{/y)
    this.#space()
    if (this.#text[this.#at] === '}') return void this.#match(/\}/y)
    for (;;) {
      const key = this.#string()
      this.#space()
      this.#match(/:/y)
      this.#space()
      member(key)
      this.#space()
      if (this.#match(/[,}]/y) === '}') return
      this.#space()
    }
  }

  /** `JSON.parse` refuses control characters. */
  #string(): string {
    const string = JSON.parse(this.#match(/"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y)) as string
    if (!isWellFormed(string)) this.#isWellFormed = false
    return string
  }

  #value(depth: number): ReferenceValue {
    const start = this.#at
    const first = this.#text[start]
    if (depth === 1) this.#isWellFormed = true
    const done = (kind: ReferenceValue['kind'], string = ''): ReferenceValue => {
      return { kind, text: this.#text.slice(start, this.#at), string, isWellFormed: this.#isWellFormed }
    }
    if (first === '"') return done('string', this.#string())
    if (first === '{' || first === '[') {
      if (depth + 1 > depthMax) throw new Unreadable('depth')
      if (first === '{') this.#members(() => this.#value(depth + 1))
      else this.#elements(depth + 1)
      return done('nested')
    }
    const word = this.#match(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
    if (word === 'null') return done('null')
    return done(word === 'true' || word === 'false' ? 'boolean' : 'number')
  }

  #elements(depth: number): void {
    this.#match(/\[/y)
    this.#space()
    if (this.#text[this.#at] === ']') return void this.#match(/\]/y)
    for (;;) {
      this.#value(depth)
      this.#space()
      if (this.#match(/[,\]]/y) === ']') return
      this.#space()
    }
  }
}

/** A number as a fraction of integers, for comparisons to the digit; powers of ten are bounded by the caller. */
export function fractionOf(text: string): readonly [numerator: bigint, denominator: bigint] {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n)
  const places = BigInt(Number(power) - fraction.length)
  return places >= 0n ? [digits * 10n ** places, 1n] : [digits, 10n ** -places]
}

export function isSameNumber(a: string, b: string): boolean {
  const [numeratorA, denominatorA] = fractionOf(a)
  const [numeratorB, denominatorB] = fractionOf(b)
  return numeratorA * denominatorB === numeratorB * denominatorA
}
