import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Which code runs here: the version of the package and the first digits of a hash over all modules of the build, as
 * `0.1.0+3f9a2c1d`. Equal code has equal versions on every machine, and any change of it makes another one.
 */
export function codeVersion(root: URL = new URL('../', import.meta.url)): string {
  const hash = createHash('sha256')
  const directory = fileURLToPath(root)
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(isModule)
  for (const name of names.toSorted()) {
    hash.update(`${name}\0`)
    hash.update(readFileSync(join(directory, name)))
  }
  const description = readFileSync(new URL('../package.json', root), 'utf8')
  const { version } = JSON.parse(description) as { version: string }
  return `${version}+${hash.digest('hex').slice(0, 8)}`
}

/** Bundles have nothing in them but modules. */
function isModule(name: string): boolean {
  return /\.[jt]s$/.test(name) && !name.startsWith('bundled/')
}
