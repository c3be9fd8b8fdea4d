import type { Operation } from './operation.ts'
import { databaseOperations } from './operations/databases.ts'
import { systemOperations } from './operations/system.ts'

/** Every operation of the API, by what they are about. */
export const operations: readonly Operation[] = [...systemOperations, ...databaseOperations]
