import { testWalks } from './walks.ts'

// The other half, for a second process.
testWalks({ part: 1, parts: 2 })
