import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/**
 * What Node must be told to run `entry` in a process of its own: compiled code needs nothing, TypeScript (tests and
 * development) needs the loader that package.json names.
 */
export function forkArguments(entry: URL): string[] {
  if (!entry.pathname.endsWith('.ts')) return []
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]
}
