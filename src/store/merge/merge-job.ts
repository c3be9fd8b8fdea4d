import { isAppError, must } from '../../base/errors.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Attempt, JobKind } from '../../jobs/jobs.ts'
import { selectTable } from '../catalog.sql.ts'
import { tableOf } from '../catalog.ts'
import type { Table, TimeRange } from '../store.ts'
import type { MergeableRow, RealtimeRow } from './merge.sql.ts'
import { endRequest, moveToArchive, selectArchive, selectRealtime } from './merge.sql.ts'
import { performMerge } from './perform-merge.ts'
import type { MergeSource, MergeTools, PerformedMerge } from './perform-merge.ts'
import type { Merge } from './plan-merges.ts'
import { planArchiveMerges, planMajorMerges, planMinorMerges, planPromotions } from './plan-merges.ts'
import { archiveOrder } from './sort-order.ts'

export const mergeKind = 'merge'

export interface MergeJobInput {
  readonly tableId: number
}

export interface MergeJobOptions extends MergeTools {
  readonly postgres: Postgres
  /** How many tables are looked after at once. */
  readonly concurrency: number
}

/** What a job of kind `merge` did. */
export interface MergeSummary {
  readonly merges: number
  readonly chunksRemoved: number
  readonly chunksAdded: number
  readonly rows: number
  /** Chunks that became part of the archive as they were. */
  readonly promoted: number
}

/** After so many rounds a job gives way to those of other tables; what is left asks for its next one. */
const roundsMax = 50

/** A merge looks at the archive this far around the rows that came into it. */
const archiveMarginSeconds = 32 * 86_400

/**
 * Jobs of kind `merge`: everything that is due for one table. Each merge is committed by itself, in the place of its inputs, so
 * that an attempt may end anywhere: the next one plans anew, and finds what is left.
 */
export function mergeJob(options: MergeJobOptions): JobKind {
  return {
    kind: mergeKind,
    concurrency: options.concurrency,
    handler: (attempt) => new TableUpkeep(options, attempt).run(),
  }
}

class TableUpkeep {
  readonly #options: MergeJobOptions
  readonly #attempt: Attempt
  readonly #tableId: number
  readonly #accountId: number
  #summary: MergeSummary = { merges: 0, chunksRemoved: 0, chunksAdded: 0, rows: 0, promoted: 0 }
  /** The times of the rows that this job brought into the archive. */
  #archived: TimeRange | undefined

  constructor(options: MergeJobOptions, attempt: Attempt) {
    this.#options = options
    this.#attempt = attempt
    this.#tableId = (attempt.job.input as MergeJobInput).tableId
    this.#accountId = must(attempt.job.accountId, 'a table belongs to an account')
  }

  async run(): Promise<MergeSummary> {
    for (let round = 0; round < roundsMax; round += 1) {
      const table = await this.#table()
      if (table === undefined) break
      const merges = await this.#due(table)
      if (merges.length === 0) break
      await this.#perform(table, merges)
    }
    await endRequest(this.#options.postgres, this.#tableId)
    return this.#summary
  }

  /** Undefined where it was dropped. */
  async #table(): Promise<Table | undefined> {
    const row = await selectTable(this.#options.postgres, this.#accountId, this.#tableId)
    return row === undefined ? undefined : tableOf(row)
  }

  /** First what came; the archive is put in order by what that brought into it. */
  async #due(table: Table): Promise<Merge<MergeSource>[]> {
    const { postgres, clock } = this.#options
    const key = { accountId: this.#accountId, tableId: table.id, restatedVersion: table.restatedVersion }
    const realtime = (await selectRealtime(postgres, key)).map(realtimeSource)
    const promoted = planPromotions(realtime, clock.nowMs(), archiveOrder(table))
    await this.#promote(promoted)
    const left = realtime.filter((chunk) => !promoted.includes(chunk))
    const major = planMajorMerges(left, clock.nowMs())
    const archiving = new Set(major.flatMap(({ inputs }) => inputs))
    const due = [...major, ...planMinorMerges(left.filter((chunk) => !archiving.has(chunk)))]
    if (due.length > 0 || this.#archived === undefined) return due
    const { from, to } = this.#archived
    const around = { from: from - archiveMarginSeconds, to: to + archiveMarginSeconds }
    return planArchiveMerges((await selectArchive(postgres, key, around)).map(sourceOf))
  }

  async #promote(chunks: readonly MergeSource[]): Promise<void> {
    if (chunks.length === 0) return
    const ids = chunks.map(({ id }) => id)
    await this.#options.postgres.transaction((tx) =>
      moveToArchive(tx, { accountId: this.#accountId, tableId: this.#tableId }, ids),
    )
    this.#noteArchived(chunks)
    this.#summary = { ...this.#summary, promoted: this.#summary.promoted + ids.length }
  }

  /**
   * One after the other: each uses all cores. Where the table changed under one, the others are planned anew. A damaged chunk keeps
   * those from being merged that it was to be merged with, and no others.
   */
  async #perform(table: Table, merges: readonly Merge<MergeSource>[]): Promise<void> {
    let damage: unknown
    for (const merge of merges) {
      this.#attempt.signal.throwIfAborted()
      try {
        const performed = await performMerge(this.#options, this.#attempt, table, merge)
        if (performed === undefined) break
        this.#noteMerged(merge, performed)
      } catch (error) {
        if (!isAppError(error, 'object_damaged')) throw error
        damage ??= error
      }
    }
    if (damage !== undefined) throw damage
  }

  #noteMerged({ layer }: Merge<MergeSource>, { added, removed }: PerformedMerge): void {
    if (layer === 'archive') this.#noteArchived(removed)
    const { merges, chunksRemoved, chunksAdded, rows, promoted } = this.#summary
    this.#summary = {
      merges: merges + 1,
      chunksRemoved: chunksRemoved + removed.length,
      chunksAdded: chunksAdded + added.length,
      rows: rows + added.reduce((sum, chunk) => sum + chunk.rows, 0),
      promoted,
    }
    this.#attempt.progress(this.#summary)
  }

  #noteArchived(chunks: readonly MergeSource[]): void {
    const ranges = [
      ...chunks.map(({ timeRange }) => timeRange),
      ...(this.#archived === undefined ? [] : [this.#archived]),
    ]
    this.#archived = {
      from: Math.min(...ranges.map(({ from }) => from)),
      to: Math.max(...ranges.map(({ to }) => to)),
    }
  }
}

function realtimeSource(row: RealtimeRow): MergeSource {
  return { ...sourceOf(row), withoutNan: row.without_nan }
}

function sourceOf(row: MergeableRow): MergeSource {
  return {
    id: row.id,
    objectKey: row.object_key,
    layer: row.layer,
    timeRange: { from: row.time_from, to: row.time_to },
    rows: row.rows,
    bytes: row.bytes,
    crc32: row.crc32,
    createdAt: row.created_at,
    ...(row.sorted_by !== null && { sortedBy: row.sorted_by }),
  }
}
