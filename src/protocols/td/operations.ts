import type { Operation } from './operation.ts'
import { accountOperations } from './operations/account.ts'
import { bulkImportOperations } from './operations/bulk-imports.ts'
import { databaseOperations } from './operations/databases.ts'
import { importOperations } from './operations/imports.ts'
import { jobOperations } from './operations/jobs.ts'
import { notYetOperations } from './operations/not-yet.ts'
import { resultOperations } from './operations/results.ts'
import { rowOperations } from './operations/rows.ts'
import { scheduleOperations } from './operations/schedules.ts'
import { schemaOperations } from './operations/schemas.ts'
import { systemOperations } from './operations/system.ts'
import { tableOperations } from './operations/tables.ts'
import { userOperations } from './operations/users.ts'

/** Every operation of the API, by what they are about. */
export const operations: readonly Operation[] = [
  ...systemOperations,
  ...databaseOperations,
  ...tableOperations,
  ...schemaOperations,
  ...rowOperations,
  ...importOperations,
  ...jobOperations,
  ...resultOperations,
  ...scheduleOperations,
  ...bulkImportOperations,
  ...userOperations,
  ...accountOperations,
  ...notYetOperations,
]
