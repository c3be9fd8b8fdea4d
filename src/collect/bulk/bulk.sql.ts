import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { BulkPart } from './bulk-imports.ts'
import type { BulkStatus } from './states.ts'

export interface ImportRow {
  readonly id: number
  readonly accountId: number
  readonly userId: number
  readonly name: string
  readonly database: string
  readonly table: string
  readonly status: BulkStatus
  readonly frozen: boolean
  readonly step: number
  readonly stepJobId: number | null
  readonly jobId: number | null
  readonly validRecords: number
  readonly errorRecords: number
  readonly validParts: number
  readonly errorParts: number
  readonly createdAt: Date
}

const importColumns = sql`
  id, account_id as "accountId", user_id as "userId", name, database_name as database, table_name as table, status, frozen,
  step, step_job_id as "stepJobId", job_id as "jobId", valid_records as "validRecords", error_records as "errorRecords",
  valid_parts as "validParts", error_parts as "errorParts", created_at as "createdAt"`

/** Undefined where the account has one of the name. */
export async function insertImport(
  db: Queryable,
  fresh: Pick<ImportRow, 'accountId' | 'userId' | 'name' | 'database' | 'table' | 'createdAt'>,
): Promise<ImportRow | undefined> {
  const rows = await db.query<ImportRow>(sql`
    insert into bulk_imports (account_id, user_id, name, database_name, table_name, created_at)
    values (${fresh.accountId}, ${fresh.userId}, ${fresh.name}, ${fresh.database}, ${fresh.table}, ${fresh.createdAt})
    on conflict (account_id, name) do nothing
    returning ${importColumns}`)
  return rows[0]
}

export function selectImports(db: Queryable, accountId: number): Promise<ImportRow[]> {
  return db.query(sql`select ${importColumns} from bulk_imports where account_id = ${accountId} order by id desc`)
}

export async function selectImport(db: Queryable, accountId: number, name: string): Promise<ImportRow | undefined> {
  const rows = await db.query<ImportRow>(sql`
    select ${importColumns} from bulk_imports where account_id = ${accountId} and name = ${name}`)
  return rows[0]
}

export async function selectImportById(db: Queryable, accountId: number, id: number): Promise<ImportRow | undefined> {
  const rows = await db.query<ImportRow>(sql`
    select ${importColumns} from bulk_imports where account_id = ${accountId} and id = ${id}`)
  return rows[0]
}

/** As `selectImportById`; nobody else changes it until the transaction ends. */
export async function holdImport(tx: Queryable, accountId: number, id: number): Promise<ImportRow | undefined> {
  const rows = await tx.query<ImportRow>(sql`
    select ${importColumns} from bulk_imports where account_id = ${accountId} and id = ${id} for update`)
  return rows[0]
}

export async function updateImport(
  tx: Queryable,
  id: number,
  now: Pick<ImportRow, 'status' | 'frozen' | 'step' | 'stepJobId' | 'jobId'>,
): Promise<void> {
  await tx.query(sql`
    update bulk_imports
       set status = ${now.status}, frozen = ${now.frozen}, step = ${now.step}, step_job_id = ${now.stepJobId},
           job_id = ${now.jobId}, updated_at = now()
     where id = ${id}`)
}

export async function updateCounts(
  tx: Queryable,
  id: number,
  counts: Pick<ImportRow, 'validRecords' | 'errorRecords' | 'validParts' | 'errorParts'>,
): Promise<void> {
  await tx.query(sql`
    update bulk_imports
       set valid_records = ${counts.validRecords}, error_records = ${counts.errorRecords},
           valid_parts = ${counts.validParts}, error_parts = ${counts.errorParts}, updated_at = now()
     where id = ${id}`)
}

/** Notes the job of a step, unless another step has begun since. */
export async function noteStepJob(
  db: Queryable,
  { id, step }: { readonly id: number; readonly step: number },
  jobId: number,
): Promise<void> {
  await db.query(sql`
    update bulk_imports
       set step_job_id = ${jobId}, job_id = case when status = 'performing' then ${jobId} else job_id end
     where id = ${id} and step = ${step}`)
}

/** The row with all that belongs to it. Returns the keys of its parts. */
export async function deleteImport(tx: Queryable, id: number): Promise<string[]> {
  const rows = await tx.query<{ object_key: string }>(sql`
    delete from bulk_import_parts where import_id = ${id} returning object_key`)
  await tx.query(sql`delete from bulk_imports where id = ${id}`)
  return rows.map((row) => row.object_key)
}

/** Imports that were made before the moment, the oldest first. */
export function selectExpired(
  db: Queryable,
  before: Date,
  limit: number,
): Promise<{ readonly id: number; readonly accountId: number }[]> {
  return db.query(sql`
    select id, account_id as "accountId" from bulk_imports where created_at < ${before} order by created_at limit ${limit}`)
}

export interface PartRow extends BulkPart {
  readonly objectKey: string
}

export function selectParts(db: Queryable, importId: number): Promise<PartRow[]> {
  return db.query(sql`
    select name, object_key as "objectKey", bytes, uploaded_at as "uploadedAt"
      from bulk_import_parts
     where import_id = ${importId}
     order by name`)
}

export async function countParts(tx: Queryable, importId: number): Promise<number> {
  const rows = await tx.query<{ count: number }>(sql`
    select count(*) as count from bulk_import_parts where import_id = ${importId}`)
  return rows[0]?.count ?? 0
}

/** Returns the key of the part that was there before under the name. */
export async function replacePart(tx: Queryable, importId: number, part: PartRow): Promise<string | undefined> {
  const replaced = await deletePart(tx, importId, part.name)
  await tx.query(sql`
    insert into bulk_import_parts (import_id, name, object_key, bytes, uploaded_at)
    values (${importId}, ${part.name}, ${part.objectKey}, ${part.bytes}, ${part.uploadedAt})`)
  return replaced
}

export async function deletePart(tx: Queryable, importId: number, name: string): Promise<string | undefined> {
  const rows = await tx.query<{ object_key: string }>(sql`
    delete from bulk_import_parts where import_id = ${importId} and name = ${name} returning object_key`)
  return rows[0]?.object_key
}

/** Those of the keys that are parts of an import. */
export async function selectKnownParts(db: Queryable, objectKeys: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ object_key: string }>(sql`
    select object_key from bulk_import_parts where object_key = any(${objectKeys}::text[])`)
  return rows.map((row) => row.object_key)
}
