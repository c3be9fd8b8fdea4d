import type { createKey, createUser, getAccount, listKeys, listPermissions } from '../api/contract/access.ts'
import type { getDatabase } from '../api/contract/databases.ts'
import type { postImport } from '../api/contract/imports.ts'
import type { getJob, getJobHistory, killJob } from '../api/contract/jobs.ts'
import type { AnswerBody } from '../api/contract/operation.ts'
import type { explainJob, listDeadLetters, listWorkers, putLimit, redriveJobs } from '../api/contract/queue.ts'
import type {
  deleteQuarantine,
  fixQuarantine,
  getQuarantined,
  listQuarantineReasons,
} from '../api/contract/quarantine.ts'
import type { listRejections } from '../api/contract/rejections.ts'
import type { backfillSchedule, getSchedule, runSchedule } from '../api/contract/schedules.ts'
import type { getStatus } from '../api/contract/status.ts'
import type { diffSnapshots, listSnapshots } from '../api/contract/table-operations.ts'
import type { getTable, listQuarantine } from '../api/contract/tables.ts'
import type { getTableLayout, listDamagedChunks } from '../api/contract/upkeep.ts'

// What the server answers with, by the contract. Types only: the schemas themselves would double the time of a start.

export type Account = AnswerBody<typeof getAccount, 200>
export type Key = AnswerBody<typeof listKeys, 200>['items'][number]
export type NewKey = AnswerBody<typeof createKey, 201>
export type User = AnswerBody<typeof createUser, 201>
export type Permission = AnswerBody<typeof listPermissions, 200>['items'][number]
export type Database = AnswerBody<typeof getDatabase, 200>
export type Table = AnswerBody<typeof getTable, 200>
export type Snapshot = AnswerBody<typeof listSnapshots, 200>['items'][number]
export type SnapshotDiff = AnswerBody<typeof diffSnapshots, 200>
export type QuarantinedRecord = AnswerBody<typeof listQuarantine, 200>['items'][number]
export type QuarantineReason = AnswerBody<typeof listQuarantineReasons, 200>['items'][number]
export type QuarantineItem = AnswerBody<typeof getQuarantined, 200>
export type QuarantineFixed = AnswerBody<typeof fixQuarantine, 200>
export type QuarantineDeleted = AnswerBody<typeof deleteQuarantine, 200>
export type TableLayout = AnswerBody<typeof getTableLayout, 200>
export type DamagedChunk = AnswerBody<typeof listDamagedChunks, 200>['items'][number]
export type ImportOutcome = AnswerBody<typeof postImport, 200>
export type ImportReceipt = AnswerBody<typeof postImport, 202>
export type Job = AnswerBody<typeof getJob, 200>
export type JobTransition = AnswerBody<typeof getJobHistory, 200>['items'][number]
export type KilledJob = AnswerBody<typeof killJob, 200>
export type JobWaiting = AnswerBody<typeof explainJob, 200>
export type Worker = AnswerBody<typeof listWorkers, 200>['items'][number]
export type Limit = AnswerBody<typeof putLimit, 200>
export type DeadLetterGroup = AnswerBody<typeof listDeadLetters, 200>['items'][number]
export type Redriven = AnswerBody<typeof redriveJobs, 200>
export type Rejection = AnswerBody<typeof listRejections, 200>['items'][number]
export type Schedule = AnswerBody<typeof getSchedule, 200>
export type ScheduleRun = AnswerBody<typeof runSchedule, 200>
export type ScheduledTimes = AnswerBody<typeof backfillSchedule, 200>
export type Status = AnswerBody<typeof getStatus, 200>
