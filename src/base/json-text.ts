/**
 * Where the parts of a JSON text lie, for texts that `JSON.parse` has accepted. Events are cut out of their envelope and given
 * fields without being written anew: numbers keep all of their digits.
 */

export interface Span {
  readonly from: number
  readonly to: number
}

/** A member of an object: its name, and the place of its value. */
export interface Member extends Span {
  readonly name: string
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** The value that the whole text is. */
export function valueOf(text: string): Span {
  const from = skipSpace(text, 0)
  return { from, to: skipValue(text, from) }
}

export function isObjectAt(text: string, { from }: Span): boolean {
  return text.charCodeAt(from) === openBrace
}

export function isArrayAt(text: string, { from }: Span): boolean {
  return text.charCodeAt(from) === openBracket
}

/** The members of the object, in order; a name that stands there twice is there twice. */
export function membersOf(text: string, object: Span): Member[] {
  const members: Member[] = []
  for (let at = skipSpace(text, object.from + 1); text.charCodeAt(at) !== closeBrace; at = skipComma(text, at)) {
    const nameEnd = skipString(text, at)
    const name = JSON.parse(text.slice(at, nameEnd)) as string
    // Behind the name is the colon.
    const from = skipSpace(text, skipSpace(text, nameEnd) + 1)
    const to = skipValue(text, from)
    members.push({ name, from, to })
    at = to
  }
  return members
}

/** The elements of the array. */
export function elementsOf(text: string, array: Span): Span[] {
  const elements: Span[] = []
  for (let at = skipSpace(text, array.from + 1); text.charCodeAt(at) !== closeBracket; at = skipComma(text, at)) {
    const to = skipValue(text, at)
    elements.push({ from: at, to })
    at = to
  }
  return elements
}

/** Whether arrays and objects are nested at most so deep; texts that are no JSON get any answer. */
export function isShallow(text: string, depthMax: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) at = skipString(text, at) - 1
    else if (code === openBrace || code === openBracket) {
      depth += 1
      if (depth > depthMax) return false
    } else if (code === closeBrace || code === closeBracket) depth -= 1
  }
  return true
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= 0x20) at += 1
  return at
}

/** Goes to the next member or element, or to the end of what they are in. */
function skipComma(text: string, start: number): number {
  const at = skipSpace(text, start)
  return text.charCodeAt(at) === comma ? skipSpace(text, at + 1) : at
}

/** The place behind the string that begins at `start`; the end of the text where it has none. */
function skipString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let first = at
    while (text.charCodeAt(first - 1) === backslash) first -= 1
    if ((at - first) % 2 === 0) return at + 1
  }
  return text.length
}

function skipValue(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === quote) return skipString(text, start)
  if (first !== openBrace && first !== openBracket) return skipScalar(text, start)
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) at = skipString(text, at) - 1
    else if (code === openBrace || code === openBracket) depth += 1
    else if (code === closeBrace || code === closeBracket) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

function skipScalar(text: string, start: number): number {
  let at = start
  while (at < text.length && !isEnd(text.charCodeAt(at))) at += 1
  return at
}

function isEnd(code: number): boolean {
  return code <= 0x20 || code === comma || code === closeBrace || code === closeBracket
}
