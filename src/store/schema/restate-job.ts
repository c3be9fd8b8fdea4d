import { join } from 'node:path'

import { must } from '../../base/errors.ts'
import { putChecked } from '../../base/objects/put-checked.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Attempt, JobKind } from '../../jobs/jobs.ts'
import { selectTable } from '../catalog.sql.ts'
import { tableOf } from '../catalog.ts'
import { queryColumns } from '../columns.ts'
import { withLocalFiles } from '../local-files.ts'
import type { MergeTools } from '../merge/perform-merge.ts'
import { sortOrder } from '../merge/sort-order.ts'
import type { NewChunk, Table } from '../store.ts'
import { writtenChunk } from '../written-chunk.ts'
import { groupChunks } from './changes.ts'
import type { OldChunk, Restating } from './plan-restating.ts'
import { planRestating } from './plan-restating.ts'
import type { OldChunkRow } from './restate.sql.ts'
import { endRestating, passChunks, selectOldChunks } from './restate.sql.ts'
import type { RestateInput, RestateOutput } from './tasks.ts'
import { restateTask } from './tasks.ts'

export const restateKind = 'restate'

export interface RestateJobInput {
  readonly tableId: number
}

/** The engine's entry serves `restateTask`. */
export interface RestateJobOptions extends MergeTools {
  readonly postgres: Postgres
  /** How many tables are restated at once. */
  readonly concurrency: number
}

/** What a job of kind `restate` did. */
export interface RestateSummary {
  /** Chunks that the changes did not concern. */
  readonly passed: number
  readonly chunksRemoved: number
  readonly chunksAdded: number
  readonly rows: number
}

/** Chunks that are looked at in one round, and rounds before a job gives way to those of other tables. */
const roundChunks = 1000
const roundsMax = 1000

/**
 * Jobs of kind `restate`: bring the files of one table up to the last change of its columns. Each file is committed by itself,
 * in the place of those that it was made of, so that an attempt may end anywhere: the next one finds what is left.
 */
export function restateJob(options: RestateJobOptions): JobKind {
  return {
    kind: restateKind,
    concurrency: options.concurrency,
    handler: (attempt) => new TableRestating(options, attempt).run(),
  }
}

class TableRestating {
  readonly #options: RestateJobOptions
  readonly #attempt: Attempt
  readonly #accountId: number
  #summary: RestateSummary = { passed: 0, chunksRemoved: 0, chunksAdded: 0, rows: 0 }

  constructor(options: RestateJobOptions, attempt: Attempt) {
    this.#options = options
    this.#attempt = attempt
    this.#accountId = must(attempt.job.accountId, 'a table belongs to an account')
  }

  async run(): Promise<RestateSummary> {
    const { postgres } = this.#options
    const { tableId } = this.#attempt.job.input as RestateJobInput
    for (let round = 0; round < roundsMax; round += 1) {
      this.#attempt.signal.throwIfAborted()
      const row = await selectTable(postgres, this.#accountId, tableId)
      if (row === undefined) break
      const table = tableOf(row)
      const { accountId, restatedVersion } = table
      const old = await selectOldChunks(postgres, { accountId, tableId, restatedVersion }, roundChunks)
      if (old.length > 0) await this.#bringUp(table, old)
      else if (await endRestating(postgres, { accountId, tableId, restatedVersion })) break
    }
    return this.#summary
  }

  async #bringUp(table: Table, old: readonly OldChunkRow[]): Promise<void> {
    const { store, postgres } = this.#options
    const { id: tableId, accountId, restatedVersion } = table
    const groups = groupChunks(await store.schemaChanges(table), old.map(oldChunkOf))
    const clean = groups.filter(({ changes }) => changes.length === 0).flatMap(({ chunks }) => chunks)
    if (clean.length > 0) {
      const ids = clean.map(({ id }) => id)
      await postgres.transaction((tx) => passChunks(tx, { accountId, tableId, restatedVersion }, ids))
      this.#note({ passed: clean.length })
    }
    for (const restating of planRestating(groups.filter(({ changes }) => changes.length > 0))) {
      this.#attempt.signal.throwIfAborted()
      const added = await this.#restate(table, restating)
      // The table changed meanwhile, and what is left is planned anew.
      if (added === undefined) return
      this.#note({ chunksRemoved: restating.chunks.length, chunksAdded: 1, rows: added.rows })
    }
  }

  #note(more: Partial<RestateSummary>): void {
    const { passed, chunksRemoved, chunksAdded, rows } = this.#summary
    this.#summary = {
      passed: passed + (more.passed ?? 0),
      chunksRemoved: chunksRemoved + (more.chunksRemoved ?? 0),
      chunksAdded: chunksAdded + (more.chunksAdded ?? 0),
      rows: rows + (more.rows ?? 0),
    }
    this.#attempt.progress(this.#summary)
  }

  async #restate(table: Table, restating: Restating): Promise<NewChunk | undefined> {
    const { disk, objects, scratchDirectory } = this.#options
    const { job, leaseToken, signal } = this.#attempt
    const directory = join(scratchDirectory, `restate-${job.id}-${leaseToken}-${restating.chunks[0]?.id}`)
    await disk.makeDirectory(directory)
    try {
      const output = await withLocalFiles({ objects, table, chunks: restating.chunks, signal }, (files) =>
        this.#write(table, restating, { files, directory }),
      )
      return await this.#commit(table, restating, await this.#upload(table, restating, output))
    } finally {
      await disk.removeDirectory(directory)
    }
  }

  async #write(
    table: Table,
    { changes, chunks, layer }: Restating,
    { files, directory }: { files: readonly string[]; directory: string },
  ): Promise<RestateOutput> {
    const { engines, limits } = this.#options
    const { residentBytesMax, timeoutMs, ...sessionLimits } = limits
    const input: RestateInput = {
      changes,
      files,
      checksums: chunks.map(({ crc32 }) => crc32),
      columns: queryColumns(table.columns),
      sortedBy: sortOrder(table, layer).names,
      rows: chunks.reduce((sum, { rows }) => sum + rows, 0),
      directory,
      limits: sessionLimits,
    }
    const poolLimits = { timeoutMs, residentBytesMax, signal: this.#attempt.signal }
    return await engines.run<RestateOutput>({ kind: restateTask, input }, poolLimits)
  }

  async #upload(table: Table, { layer }: Restating, { file, fieldIds }: RestateOutput): Promise<NewChunk> {
    const { store } = this.#options
    const place = store.newChunk({ accountId: table.accountId, tableId: table.id })
    const columns = queryColumns(table.columns)
      .filter(({ column }) => fieldIds.includes(column.fieldId))
      .map(({ column, queryName }) => ({ ...column, name: queryName }))
    const crc32 = await putChecked(this.#options, place.objectKey, file.path)
    return { ...writtenChunk(place, file, columns), crc32, sortedBy: sortOrder(table, layer).fieldIds }
  }

  async #commit(table: Table, { chunks, layer }: Restating, added: NewChunk): Promise<NewChunk | undefined> {
    const { store, objects, log } = this.#options
    const { job, leaseToken } = this.#attempt
    const outcome = await store.commit({
      accountId: table.accountId,
      target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
      operation: 'restate',
      cause: `job:${job.id}`,
      layer,
      chunks: [added],
      removed: chunks.map(({ id }) => id),
      ids: [],
      quarantined: [],
      fence: { jobId: job.id, leaseToken },
    })
    if (outcome.kind === 'committed') return added
    log.info({ table: table.id, outcome: outcome.kind, job: job.id }, 'a restated file came too late')
    await objects.remove(added.objectKey)
    return undefined
  }
}

function oldChunkOf(row: OldChunkRow): OldChunk {
  return {
    id: row.id,
    objectKey: row.object_key,
    layer: row.layer,
    timeRange: { from: row.time_from, to: row.time_to },
    rows: row.rows,
    bytes: row.bytes,
    statistics: row.column_statistics,
    schemaVersion: row.schema_version,
    crc32: row.crc32,
  }
}
