import * as access from './access.ts'
import * as columns from './columns.ts'
import * as databases from './databases.ts'
import * as imports from './imports.ts'
import * as jobs from './jobs.ts'
import type { Operation } from './operation.ts'
import * as quarantine from './quarantine.ts'
import * as queries from './queries.ts'
import * as queue from './queue.ts'
import * as rejections from './rejections.ts'
import * as schedules from './schedules.ts'
import * as status from './status.ts'
import * as tableOperations from './table-operations.ts'
import * as tables from './tables.ts'
import * as upkeep from './upkeep.ts'

/** Every operation of the API, in the order of the document. */
export const operations: readonly Operation[] = [
  databases.listDatabases,
  databases.createDatabase,
  databases.getDatabase,
  databases.deleteDatabase,
  tables.listTables,
  tables.createTable,
  tables.getTable,
  tables.deleteTable,
  tables.listQuarantine,
  quarantine.listQuarantineReasons,
  quarantine.getQuarantined,
  quarantine.getQuarantinedBytes,
  quarantine.fixQuarantine,
  quarantine.replayQuarantine,
  quarantine.deleteQuarantine,
  columns.addColumn,
  columns.updateColumn,
  columns.deleteColumn,
  upkeep.getTableLayout,
  upkeep.listDamagedChunks,
  upkeep.verifyTables,
  tableOperations.updateTable,
  tableOperations.renameTable,
  tableOperations.swapTables,
  tableOperations.undropTable,
  tableOperations.truncateTable,
  tableOperations.deleteRows,
  tableOperations.purgeHistory,
  tableOperations.listSnapshots,
  tableOperations.diffSnapshots,
  imports.postImport,
  imports.putImport,
  imports.postEvents,
  rejections.listRejections,
  queries.submitQuery,
  jobs.listJobs,
  jobs.getJob,
  jobs.getJobHistory,
  jobs.killJob,
  jobs.getJobResult,
  queue.explainJob,
  queue.listWorkers,
  queue.listLimits,
  queue.putLimit,
  queue.removeLimit,
  queue.pauseLimit,
  queue.listDeadLetters,
  queue.listDeadJobs,
  queue.redriveJobs,
  schedules.listSchedules,
  schedules.createSchedule,
  schedules.previewCron,
  schedules.getSchedule,
  schedules.updateSchedule,
  schedules.deleteSchedule,
  schedules.pauseSchedule,
  schedules.resumeSchedule,
  schedules.runSchedule,
  schedules.backfillSchedule,
  schedules.listNextTimes,
  schedules.listScheduleRuns,
  access.getAccount,
  access.listKeys,
  access.createKey,
  access.deleteKey,
  access.listUsers,
  access.createUser,
  access.deleteUser,
  access.setPassword,
  access.removePassword,
  access.listPermissions,
  access.getPermission,
  access.putPermission,
  access.deletePermission,
  status.getStatus,
]
