import type { Cell } from './cells.ts'

/** The lines of a text that comes in chunks of UTF-8, without their ends; the last one may lack its end. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}

/**
 * The values of a line of NDJSON, in their order. Texts are decoded; everything else stays the JSON text that it is:
 * no numeral becomes a number, so none loses a digit.
 */
export function readCells(line: string): Cell[] {
  const cells: Cell[] = []
  let depth = 0
  let valueStart = -1
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    if (character === '"') at = endOfText(line, at)
    else if (character === '{' || character === '[') depth++
    else if (depth === 1 && character === ':') valueStart = at + 1
    else if (depth === 1 && (character === ',' || character === '}')) {
      if (valueStart !== -1) cells.push(cellOfJson(line.slice(valueStart, at).trim()))
      valueStart = -1
      if (character === '}') depth--
    } else if (character === '}' || character === ']') depth--
  }
  return cells
}

/** Where the text that begins at `start` has its closing quote. */
function endOfText(line: string, start: number): number {
  for (let at = start + 1; at < line.length; at++) {
    const character = line.charAt(at)
    if (character === '\\') at++
    else if (character === '"') return at
  }
  return line.length
}

function cellOfJson(text: string): Cell {
  if (text === 'null') return null
  return text.startsWith('"') ? (JSON.parse(text) as string) : { raw: text }
}
