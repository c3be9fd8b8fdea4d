import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** ClickHouse as a library: what is used of it here. */
export interface Chdb {
  queryAsync(query: string, options: { readonly format: string }): Promise<{ json<T>(): T }>
}

const version = '3.4.0'
const folder = resolve(import.meta.dirname, `../../.cache/chdb-${version}`)

/**
 * It is installed when it is first measured, and is no dependency of the project: it takes half a gigabyte, and has no binaries
 * for some platforms, with which `npm ci` would refuse the lock file (CONTRIBUTING.md).
 */
export async function loadChdb(): Promise<Chdb> {
  if (!existsSync(join(folder, 'node_modules/chdb'))) {
    console.log(`installing chdb ${version}`)
    await promisify(execFile)('npm', ['install', '--ignore-scripts', '--prefix', folder, `chdb@${version}`])
  }
  return createRequire(join(folder, 'package.json'))('chdb') as Chdb
}
