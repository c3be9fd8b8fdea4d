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

/**
 * What Node is told to run a process that bodies pass through: V8 does not mark the whole heap of it below 96 MiB. Some 30 MiB of it stay, and what bodies leave behind goes
 * with the young generation; but V8 counts their bytes for the old one, and marked all of it each second, for up to 90 ms where its helpers got no core.
 */
export const seldomMarked: readonly string[] = ['--initial-old-space-size=96']
