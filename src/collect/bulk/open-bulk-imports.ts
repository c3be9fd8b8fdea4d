import { join } from 'node:path'
import type { Readable } from 'node:stream'

import type { Access, Principal } from '../../access/access.ts'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { AppError, isAppError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import { mayBeReferredTo } from '../../base/objects/orphan-age.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Randomness } from '../../base/randomness.ts'
import { uuidv7 } from '../../base/randomness.ts'
import { finishedStates } from '../../jobs/jobs.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import type { Store } from '../../store/store.ts'
import type { BulkErrorRecord, BulkImport, BulkImports, BulkPart } from './bulk-imports.ts'
import type { BulkJobInput } from './bulk-jobs.ts'
import { commitKind, performKind } from './bulk-jobs.ts'
import type { ImportRow } from './bulk.sql.ts'
import {
  countParts,
  deleteImport,
  deletePart,
  holdImport,
  insertImport,
  noteStepJob,
  replacePart,
  selectImport,
  selectImports,
  selectParts,
} from './bulk.sql.ts'
import { changeState, importNotFound, obey } from './changes.ts'
import { selectErrors } from './conversions.sql.ts'
import { expiryDays, partsMax } from './limits.ts'
import { requireImportName, requirePartName } from './names.ts'
import { partKey } from './orphans.ts'
import { receivePart } from './receive-part.ts'
import type { BulkCommand } from './states.ts'

export interface BulkImportsOptions {
  readonly access: Access
  readonly jobs: Jobs
  readonly store: Store
  readonly objects: ObjectStore
  readonly postgres: Postgres
  readonly disk: Disk
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
  /** Where parts lie while they are received. It exists. */
  readonly scratchDirectory: string
}

const dayMs = 86_400_000

/** Bulk imports over PostgreSQL and the object store. What is asked for is a row before it is a job, so that none is lost. */
export function openBulkImports(options: BulkImportsOptions): BulkImports {
  return new OpenBulkImports(options)
}

class OpenBulkImports implements BulkImports {
  readonly #options: BulkImportsOptions

  constructor(options: BulkImportsOptions) {
    this.#options = options
  }

  async create(principal: Principal, name: string, target: { database: string; table: string }): Promise<BulkImport> {
    const { access, store, postgres, clock } = this.#options
    const { accountId, userId } = principal
    requireImportName(name)
    await access.require(principal, target.database, 'import')
    const { database, name: table } = await store.table(accountId, target.database, target.table)
    const createdAt = new Date(clock.nowMs())
    const row = await insertImport(postgres, { accountId, userId, name, database, table, createdAt })
    if (row !== undefined) return importOf(row)
    throw new AppError('already_exists', `There is a bulk import ${JSON.stringify(name)} already.`, {
      hint: 'Choose another name, or delete that one first.',
    })
  }

  async list(principal: Principal): Promise<BulkImport[]> {
    const { access, postgres } = this.#options
    const visible: BulkImport[] = []
    for (const row of await selectImports(postgres, principal.accountId)) {
      if (await access.may(principal, row.database, 'import')) visible.push(importOf(await this.#settled(row)))
    }
    return visible
  }

  async show(principal: Principal, name: string): Promise<BulkImport> {
    return importOf(await this.#find(principal, name))
  }

  async parts(principal: Principal, name: string): Promise<BulkPart[]> {
    const { id } = await this.#find(principal, name)
    const parts = await selectParts(this.#options.postgres, id)
    return parts.map(({ name: part, bytes, uploadedAt }) => ({ name: part, bytes, uploadedAt }))
  }

  async uploadPart(principal: Principal, name: string, part: string, body: Readable): Promise<BulkPart> {
    const { postgres, disk, objects, clock, randomness, scratchDirectory } = this.#options
    requirePartName(part)
    const row = await this.#find(principal, name)
    // Nothing is received that could not be kept; it is asked again when it was, for that takes its time.
    await postgres.transaction((tx) => obey(tx, row, 'change_parts'))
    const id = uuidv7(clock, randomness)
    const path = join(scratchDirectory, `part-${id}`)
    const objectKey = partKey(row, id)
    const uploadedAt = new Date(clock.nowMs())
    try {
      const bytes = await receivePart(body, path, this.#options)
      const madeMs = clock.nowMs()
      await objects.putFile(objectKey, path)
      const replaced = await postgres.transaction(async (tx) => {
        await obey(tx, row, 'change_parts')
        if (!mayBeReferredTo(madeMs, clock)) throw sleptTooLong(part)
        if ((await countParts(tx, row.id)) >= partsMax) throw tooManyParts(name)
        return await replacePart(tx, row.id, { name: part, objectKey, bytes, uploadedAt })
      })
      await this.#removeObjects(replaced === undefined ? [] : [replaced])
      return { name: part, bytes, uploadedAt }
    } finally {
      await disk.remove(path)
    }
  }

  async deletePart(principal: Principal, name: string, part: string): Promise<void> {
    requirePartName(part)
    const row = await this.#find(principal, name)
    const key = await this.#options.postgres.transaction(async (tx) => {
      await obey(tx, row, 'change_parts')
      return await deletePart(tx, row.id, part)
    })
    await this.#removeObjects(key === undefined ? [] : [key])
  }

  freeze(principal: Principal, name: string): Promise<BulkImport> {
    return this.#command(principal, name, 'freeze')
  }

  unfreeze(principal: Principal, name: string): Promise<BulkImport> {
    return this.#command(principal, name, 'unfreeze')
  }

  async perform(principal: Principal, name: string, { priority = 0 }: { priority?: number } = {}): Promise<BulkImport> {
    return await this.#command(principal, name, 'perform', priority)
  }

  commit(principal: Principal, name: string): Promise<BulkImport> {
    return this.#command(principal, name, 'commit')
  }

  async delete(principal: Principal, name: string): Promise<void> {
    const { postgres, jobs, log } = this.#options
    const row = await this.#find(principal, name)
    const keys = await postgres.transaction(async (tx) => {
      await obey(tx, row, 'delete')
      return await deleteImport(tx, row.id)
    })
    if (row.status === 'performing' && row.stepJobId !== null) {
      // It would notice by itself, when it has done all of its work.
      await jobs.kill(row.accountId, row.stepJobId, `user:${principal.userId}`).catch((error: unknown) => {
        log.warn({ err: error, job: row.stepJobId }, 'the job of a deleted bulk import could not be killed')
      })
    }
    await this.#removeObjects(keys)
  }

  async *errorRecords(principal: Principal, name: string): AsyncIterable<BulkErrorRecord> {
    const { id } = await this.#find(principal, name)
    let after = 0
    for (;;) {
      const errors = await selectErrors(this.#options.postgres, id, after, 100)
      for (const { position, part, recordNumber, byteOffset, reason, detail, raw, rawBytes } of errors) {
        yield { part, recordNumber, byteOffset, reason, detail, raw, rawBytes }
        after = position
      }
      if (errors.length === 0) return
    }
  }

  /** Does what is asked for, and sees to it that there is a job where it begins a step. */
  async #command(principal: Principal, name: string, command: BulkCommand, priority = 0): Promise<BulkImport> {
    const row = await this.#find(principal, name)
    const changed = await this.#options.postgres.transaction((tx) => obey(tx, row, command))
    return importOf(await this.#withJob(changed, priority))
  }

  async #find(principal: Principal, name: string): Promise<ImportRow> {
    const { access, postgres } = this.#options
    const row = await selectImport(postgres, principal.accountId, name)
    if (row === undefined) throw importNotFound(name)
    await access.require(principal, row.database, 'import')
    return await this.#settled(row)
  }

  /** The row, once it is true again: a job that failed cannot say so in it, and one may never have been submitted. */
  async #settled(row: ImportRow): Promise<ImportRow> {
    const { postgres } = this.#options
    if (row.status !== 'performing' && row.status !== 'committing') return row
    const current = await this.#withJob(row, 0)
    if (!(await this.#hasFailed(current))) return current
    const event = row.status === 'performing' ? 'perform_failed' : 'commit_failed'
    return await postgres.transaction(async (tx) => {
      const held = await holdImport(tx, row.accountId, row.id)
      if (held === undefined) throw importNotFound(row.name)
      return held.step === row.step ? ((await changeState(tx, held, event)) ?? held) : held
    })
  }

  async #hasFailed({ accountId, stepJobId }: ImportRow): Promise<boolean> {
    try {
      const { state } = await this.#options.jobs.get(accountId, stepJobId ?? 0)
      return finishedStates.has(state) && state !== 'success'
    } catch (error) {
      if (isAppError(error, 'job_not_found')) return true
      throw error
    }
  }

  /** A step without a job gets one: submitted again, it is the same. */
  async #withJob(row: ImportRow, priority: number): Promise<ImportRow> {
    const { jobs, postgres } = this.#options
    const isStep = row.status === 'performing' || row.status === 'committing'
    if (!isStep || row.stepJobId !== null) return row
    const isPerform = row.status === 'performing'
    const input: BulkJobInput = { importId: row.id, step: row.step }
    const { job } = await jobs.submit({
      accountId: row.accountId,
      userId: row.userId,
      kind: isPerform ? performKind : commitKind,
      input,
      priority,
      uniqueKey: `bulk:${row.id}:${row.step}`,
    })
    await noteStepJob(postgres, row, job.id)
    return { ...row, stepJobId: job.id, jobId: isPerform ? job.id : row.jobId }
  }

  /** What is left behind here is swept. */
  async #removeObjects(keys: readonly string[]): Promise<void> {
    const { objects, log } = this.#options
    for (const key of keys) {
      await objects.remove(key).catch((error: unknown) => log.warn({ err: error, key }, 'a part could not be removed'))
    }
  }
}

function importOf(row: ImportRow): BulkImport {
  const { id, name, database, table, status, frozen, jobId, createdAt } = row
  const { validRecords, errorRecords, validParts, errorParts } = row
  const expiresAt = new Date(createdAt.getTime() + expiryDays * dayMs)
  const counts = { validRecords, errorRecords, validParts, errorParts }
  return { id, name, database, table, status, frozen, jobId, ...counts, createdAt, expiresAt }
}

function tooManyParts(name: string): AppError {
  return new AppError('bulk_import_state', `The bulk import ${JSON.stringify(name)} has ${partsMax} parts.`, {
    hint: 'Send larger parts, or make another bulk import.',
  })
}

/** An object that nothing refers to for a day is swept, and this one may be by now. */
function sleptTooLong(part: string): AppError {
  return new AppError(
    'object_store_unavailable',
    `The part ${JSON.stringify(part)} was written too long ago to be registered.`,
    {
      hint: 'Send it again: nothing of it was kept.',
      retryAfterSeconds: 1,
    },
  )
}
