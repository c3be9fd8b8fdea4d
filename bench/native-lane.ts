import { readFileSync } from 'node:fs'

import { openNativeModule } from '../src/collect/split/native-lane.ts'

/** The lane in WebAssembly as the server has it: `npm run bench` builds before it begins. */
export const builtLane = () =>
  openNativeModule(readFileSync(new URL('../dist/collect/split/lane.wasm', import.meta.url)))
