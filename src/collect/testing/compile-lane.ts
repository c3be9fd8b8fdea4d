import { main } from 'assemblyscript/asc'

import { must } from '../../base/errors.ts'
import { openNativeModule } from '../split/native-lane.ts'
import type { NativeModule } from '../split/native-lane.ts'

/** The lane in WebAssembly, compiled as `npm run build` does. */
export async function compiledLane(): Promise<NativeModule> {
  let written: Uint8Array | undefined
  const options = ['assembly/lane.ts', '--config', 'assembly/asconfig.json', '--outFile', 'lane.wasm']
  const writeFile = (_: string, contents: Uint8Array | string): void => {
    if (typeof contents !== 'string') written = contents
  }
  const { error } = await main(options, { writeFile })
  if (error !== null) throw error
  const module = openNativeModule(must(written, 'the compiler writes the module'))
  return must(module, 'the processor has what the module takes')
}
