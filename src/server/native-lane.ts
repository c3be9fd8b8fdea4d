import { existsSync, readFileSync } from 'node:fs'

import { openNativeModule } from '../collect/split/native-lane.ts'
import type { NativeModule } from '../collect/split/native-lane.ts'

/** What `npm run build` makes of assembly/. */
const path = new URL('../collect/split/lane.wasm', import.meta.url)

/**
 * Undefined for a server that runs from its sources, which has none, and on a processor without the instructions that it takes (SSE4.1, NEON):
 * both split in JavaScript.
 */
export function nativeLane(): NativeModule | undefined {
  if (!existsSync(path)) return undefined
  const bytes = readFileSync(path)
  return WebAssembly.validate(bytes) ? openNativeModule(bytes) : undefined
}
