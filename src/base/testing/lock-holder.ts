import { openDataDirectory } from '../data-directory.ts'

// Holds the lock of the directory in its first argument until it is killed.
await openDataDirectory(process.argv[2] ?? '')
process.send?.('held')
setInterval(() => {}, 1000)
