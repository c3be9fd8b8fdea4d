import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { codeRoot, packageVersion } from '../base/project-files.ts'

/**
 * Which code runs here: the version of the package and the first digits of a hash over all files of the build, as
 * `0.1.0+3f9a2c1d`. Equal code has equal versions on every machine, and any change of it makes another one.
 */
export function codeVersion(root: URL = codeRoot): string {
  const hash = createHash('sha256')
  const directory = fileURLToPath(root)
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /\.[jt]s$/.test(name))
  for (const name of names.toSorted()) {
    hash.update(`${name}\0`)
    hash.update(readFileSync(join(directory, name)))
  }
  return `${packageVersion(new URL('../', root))}+${hash.digest('hex').slice(0, 8)}`
}
