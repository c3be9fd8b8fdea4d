/** Text in which nothing is to be escaped any more. */
export interface Html {
  readonly text: string
  readonly isHtml: true
}

type Part = string | number | Html | readonly Part[]

/** What is put in is escaped, unless it is HTML. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return raw(strings.map((text, index) => text + (index < parts.length ? rendered(parts[index] ?? '') : '')).join(''))
}

export function raw(text: string): Html {
  return { text, isHtml: true }
}

function rendered(part: Part): string {
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return 'isHtml' in part ? part.text : part.map(rendered).join('')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character)
}
