import { bundle } from './bundle.ts'

await bundle('.cache/build', 'dist')
