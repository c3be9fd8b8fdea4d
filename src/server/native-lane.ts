import { existsSync, readFileSync } from 'node:fs'

import { openNativeModule } from '../collect/split/native-lane.ts'
import type { NativeModule } from '../collect/split/native-lane.ts'

/** What `npm run build` makes of assembly/; a server that runs from its sources has none, and splits in JavaScript. */
const path = new URL('../collect/split/lane.wasm', import.meta.url)

export function nativeLane(): NativeModule | undefined {
  return existsSync(path) ? openNativeModule(readFileSync(path)) : undefined
}
