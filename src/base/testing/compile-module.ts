import { main } from 'assemblyscript/asc'

import { must } from '../errors.ts'

/** A module of assembly/, compiled as `npm run build` does. */
export async function compiledModule(source: string): Promise<Uint8Array> {
  let written: Uint8Array | undefined
  const options = [`assembly/${source}`, '--config', 'assembly/asconfig.json', '--outFile', 'module.wasm']
  const writeFile = (_: string, contents: Uint8Array | string): void => {
    if (typeof contents !== 'string') written = contents
  }
  const { error } = await main(options, { writeFile })
  if (error !== null) throw error
  return must(written, 'the compiler writes the module')
}
