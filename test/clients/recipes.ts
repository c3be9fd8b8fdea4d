import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** The first program of a recipe in `docs/clients`, with what a reader would put in for himself. */
export function recipe(client: string, language: string, own: Readonly<Record<string, string>>): string {
  const page = readFileSync(resolve(import.meta.dirname, `../../docs/clients/${client}.md`), 'utf8')
  const [, program] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  if (program === undefined) throw new Error(`docs/clients/${client}.md has no program in ${language}`)
  let text = program
  for (const [word, instead] of Object.entries(own)) {
    if (!text.includes(word)) throw new Error(`docs/clients/${client}.md does not say ${word}`)
    text = text.replaceAll(word, instead)
  }
  return text
}
