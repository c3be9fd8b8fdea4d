import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const built = new URL('../', import.meta.url)

/**
 * The file with all the code of a process in it, where the build made one (`scripts/bundle-processes.ts`): it loads in half the time of
 * its modules. `entry` itself where there is none, or where modules were compiled since.
 */
export function bundled(entry: URL, root: URL = built): URL {
  const bundle = new URL(`bundled/${entry.href.slice(root.href.length)}`, root)
  const bundledMs = changedMs(bundle)
  if (bundledMs === undefined) return entry
  return bundledMs < (changedMs(new URL('.tsbuildinfo', root)) ?? 0) ? entry : bundle
}

function changedMs(file: URL): number | undefined {
  return statSync(fileURLToPath(file), { throwIfNoEntry: false })?.mtimeMs
}
