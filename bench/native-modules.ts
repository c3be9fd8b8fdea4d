import { readFileSync } from 'node:fs'

import { openNativeGunzip } from '../src/base/gzip/native-gunzip.ts'
import { openNativeEncoder } from '../src/base/parquet/native-encoder.ts'
import { openNativeModule } from '../src/collect/split/native-lane.ts'

// What is in WebAssembly as the server has it: `npm run bench` builds before it begins.

export const builtLane = () => openNativeModule(built('collect/split/lane.wasm'))

export const builtEncoder = () => openNativeEncoder(built('base/parquet/encoder.wasm'))

export const builtGunzip = () => openNativeGunzip(built('base/gzip/inflate.wasm'))

function built(name: string): Uint8Array {
  return readFileSync(new URL(`../dist/${name}`, import.meta.url))
}
