import { must } from '../../errors.ts'
import { openNativeEncoder } from '../native-encoder.ts'
import type { NativeEncoder } from '../native-encoder.ts'
import { compiledModule } from '../../testing/compile-module.ts'

export async function compiledEncoder(): Promise<NativeEncoder> {
  return must(openNativeEncoder(await compiledModule('encoder.ts')), 'the processor has what the module takes')
}
