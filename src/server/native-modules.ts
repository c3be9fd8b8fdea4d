import { existsSync, readFileSync } from 'node:fs'

import { openNativeGunzip } from '../base/gzip/native-gunzip.ts'
import type { NativeGunzip } from '../base/gzip/native-gunzip.ts'
import { openNativeEncoder } from '../base/parquet/native-encoder.ts'
import type { NativeEncoder } from '../base/parquet/native-encoder.ts'
import { codeRoot } from '../base/project-files.ts'
import { openNativeModule } from '../collect/split/native-lane.ts'
import type { NativeModule } from '../collect/split/native-lane.ts'

// What `npm run build` makes of assembly/. A server that runs from its sources has none: it splits in JavaScript, zlib
// inflates, and DuckDB encodes.

export function nativeLane(): NativeModule | undefined {
  return opened('collect/split/lane.wasm', openNativeModule)
}

export function nativeEncoder(): NativeEncoder | undefined {
  return opened('base/parquet/encoder.wasm', openNativeEncoder)
}

export function nativeGunzip(): NativeGunzip | undefined {
  return opened('base/gzip/inflate.wasm', openNativeGunzip)
}

function opened<T>(name: string, open: (bytes: Uint8Array) => T): T | undefined {
  const path = new URL(name, codeRoot)
  return existsSync(path) ? open(readFileSync(path)) : undefined
}
