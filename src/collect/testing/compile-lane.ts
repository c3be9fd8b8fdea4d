import { must } from '../../base/errors.ts'
import { compiledModule } from '../../base/testing/compile-module.ts'
import { openNativeModule } from '../split/native-lane.ts'
import type { NativeModule } from '../split/native-lane.ts'

export async function compiledLane(): Promise<NativeModule> {
  return must(openNativeModule(await compiledModule('lane.ts')), 'the processor has what the module takes')
}
