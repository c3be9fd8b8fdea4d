import { testWalks } from './walks.ts'

testWalks({ part: 0, parts: 2 })
