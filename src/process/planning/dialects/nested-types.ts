import type { Inner, Piece, Rule, Source, Translated } from './source.ts'

/** array<bigint>, map<string, bigint> and struct<a: bigint> are types; a comparison with such a word would be a strange one. */
export const nestedTypes: Rule = (source, at, inner) => {
  if (source.word(at + 1) !== '<' || !['array', 'map', 'struct'].includes(source.word(at))) return undefined
  const close = closingAngle(source, at + 1)
  return close === undefined ? undefined : nestedType(source, at, close, inner)
}

/** Types nest no deeper than this. */
const depthMax = 50

function nestedType(source: Source, at: number, close: number, inner: Inner): Translated {
  const parts = itemsOfType(source, at + 2, close).map(([from, to]) => typeItem(source, from, to, inner))
  const list = parts.flatMap((part, index) => (index === 0 ? part : [source.ours(', ', at), ...part]))
  if (source.word(at) === 'array') return { pieces: [...list, source.ours('[]', at)], next: close + 1 }
  return { pieces: [source.ours(`${source.word(at)}(`, at), ...list, source.ours(')', at)], next: close + 1 }
}

/** A type, or a field of a struct with its name and a colon before it. */
function typeItem(source: Source, from: number, to: number, inner: Inner): Piece[] {
  if (source.word(from + 1) !== ':') return inner(from, to)
  return [...inner(from, from + 1), source.ours(' ', from), ...inner(from + 2, to)]
}

function closingAngle(source: Source, open: number): number | undefined {
  let depth = 0
  for (let at = open; at < source.tokens.length; at += 1) {
    depth += Number(source.word(at) === '<') - Number(source.word(at) === '>')
    if (depth === 0) return at
    if (depth > depthMax) return undefined
  }
  return undefined
}

function itemsOfType(source: Source, from: number, to: number): (readonly [number, number])[] {
  const items: (readonly [number, number])[] = []
  let [start, depth] = [from, 0]
  for (let at = from; at < to; at += 1) {
    depth += Number('<('.includes(source.word(at) || '?')) - Number('>)'.includes(source.word(at) || '?'))
    if (depth !== 0 || source.word(at) !== ',') continue
    items.push([start, at])
    start = at + 1
  }
  return [...items, [start, to]]
}
