import { readFile } from 'node:fs/promises'

/** The version of this package, whose description lies as deep above `src` as above `dist`. */
export async function cliVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
