import { existsSync, readFileSync } from 'node:fs'

/** Whether this runs from the sources, as tests and `npm run dev` do, and not from what was built of them. */
export const runsFromSources = import.meta.url.endsWith('.ts')

/**
 * Where the project lies: the directory above this code that has a `package.json`. It is looked for, because a module does not know how deep
 * it lies once it is bundled with others.
 */
export const projectRoot: URL = rootAbove(new URL('./', import.meta.url))

/** The modules that run: those of `src` or those of `dist`. */
export const codeRoot: URL = new URL(runsFromSources ? 'src/' : 'dist/', projectRoot)

/** The version of the package, such as `0.1.0`. */
export function packageVersion(root: URL = projectRoot): string {
  const description = readFileSync(new URL('package.json', root), 'utf8')
  return (JSON.parse(description) as { version: string }).version
}

/** The file that a process of its own begins with, such as `server/engine`. */
export function entryOf(name: string): URL {
  return new URL(`${name}.${runsFromSources ? 'ts' : 'js'}`, codeRoot)
}

function rootAbove(directory: URL): URL {
  for (;;) {
    if (existsSync(new URL('package.json', directory))) return directory
    const parent = new URL('../', directory)
    if (parent.href === directory.href) throw new Error(`no package.json above ${import.meta.url}`)
    directory = parent
  }
}
