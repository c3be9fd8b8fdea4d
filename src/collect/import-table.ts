import { join } from 'node:path'

import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { EnginePool } from '../base/engines/engines.ts'
import { AppError, assert, isAppError, must } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import { putChecked } from '../base/objects/put-checked.ts'
import type { Attempt } from '../jobs/jobs.ts'
import { isFixedColumn } from '../store/columns.ts'
import type { QuarantinedRecord } from '../store/quarantine.ts'
import type { AppliedId, Commit, NewChunk, Store, Table } from '../store/store.ts'
import { AppliedBodies } from './applied-bodies.ts'
import type { AppliedCounts } from './applied-bodies.ts'
import { commitSurely } from './commit-surely.ts'
import { condemned, isDeadly } from './convert/deadly.ts'
import { isPlain, runConversion } from './convert/message.ts'
import type { ConvertedBody, ConvertedFile, ConvertInput, ConvertOutput } from './convert/tasks.ts'
import type { BodyOutcome, OutcomeTally } from './import-input.ts'
import type { Span } from './inbox/frame-source.ts'
import type { Body, BodySource } from './body.ts'
import { rangesOf } from './place-ranges.ts'
import { ReplayLedger } from './replay/replay-ledger.ts'
import type { ReplayedItem } from './replay/replay-ledger.ts'
import { bytesOf, idOf } from './body.ts'
import { quarantinedBody, quarantinedRows, unreadOutcome } from './keep-bodies.ts'

/** What a conversion may use. */
export interface ImportLimits {
  /** Of DuckDB. */
  readonly memoryBytes: number
  /** Of the whole process: a body of the largest size takes about four times its inflated bytes. */
  readonly residentBytesMax: number
  readonly timeoutMs: number
  readonly threads: number
}

export const importLimitsDefault: ImportLimits = {
  memoryBytes: 512 * 2 ** 20,
  residentBytesMax: 3 * 2 ** 30,
  timeoutMs: 10 * 60_000,
  threads: 2,
}

export interface ImportTools {
  readonly store: Store
  readonly objects: ObjectStore
  /** Their entry serves `convertTask`. */
  readonly engines: EnginePool
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Logger
  /** Where files lie while they are made. */
  readonly scratchDirectory: string
}

export interface TableImportOptions extends ImportTools {
  readonly limits: ImportLimits
  readonly attempt: Attempt
  /** What the bodies lie in. */
  readonly source: BodySource
  /** All bodies of the account that were read of it, in order, those for other tables, too. */
  readonly neighbours: readonly Body[]
  /** What of it was read without a gap. */
  readonly stretches: readonly Span[]
  /** Hears what comes of each body, unless the attempt fails. */
  readonly tally: OutcomeTally
  /** The records of the quarantine that the bodies are, by their ids, where they are read again. */
  readonly replayed?: ReadonlyMap<string, ReplayedItem>
}

/** How often a table may change under a conversion before the job is left to a later attempt. */
const triesMax = 20

/** How often a body alone may take its engine process down. Twice can be bad luck, where something kills processes each second. */
const lossesMax = 3

/** Imports the bodies of one job that are meant for one table. */
export class TableImport {
  readonly #options: TableImportOptions
  readonly #bodies: readonly Body[]
  /** Bodies of which another one with the same id stands before, by the id. */
  readonly #repetitions = new Map<string, Body[]>()
  readonly #accountId: number
  readonly #database: string
  readonly #name: string
  #conversions = 0

  constructor(options: TableImportOptions, bodies: readonly Body[]) {
    const { accountId, database, table } = must(bodies[0], 'a table is imported for its bodies').frame.header
    this.#options = options
    this.#bodies = bodies
    this.#accountId = accountId
    this.#database = database
    this.#name = table
  }

  /** Of bodies with one id the first counts. */
  async run(): Promise<void> {
    await this.#importDistinct(this.#bodies.filter((body) => this.#isFirst(body)))
  }

  /** Bodies without an id have that of their place, of which there is one. */
  #isFirst(body: Body): boolean {
    const { uniqueId } = body.frame.header
    if (uniqueId === null) return true
    const repetitions = this.#repetitions.get(uniqueId)
    if (repetitions === undefined) this.#repetitions.set(uniqueId, [])
    else repetitions.push(body)
    return repetitions === undefined
  }

  /** Imports bodies whose ids differ. What others did to the table meanwhile is looked at anew. */
  async #importDistinct(bodies: readonly Body[]): Promise<void> {
    let open = bodies
    for (let tries = 0; tries < triesMax; tries += 1) {
      this.#options.attempt.signal.throwIfAborted()
      const table = await this.#table()
      const mayBeKnown = tries === 0 ? open.filter((body) => this.#mayBeKnown(body)) : open
      const known = await AppliedBodies.find(this.#options.store, table, mayBeKnown)
      if (!known.isEmpty) open = this.#withoutApplied(open, known)
      if (open.length === 0 || (await this.#importNew(table, open))) return
    }
    throw new AppError(
      'conflict',
      `The table "${this.#database}.${this.#name}" changes faster than bodies are converted.`,
    )
  }

  #withoutApplied(bodies: readonly Body[], known: AppliedBodies): Body[] {
    return bodies.filter((body) => {
      if (!known.has(body)) return true
      const counts = known.countsOf(body)
      if (counts === undefined) this.#options.tally.addKnown()
      else this.#tell(this.#duplicate(body, counts))
      return false
    })
  }

  /**
   * Whether it is worth asking for before the work is done. Senders repeat their bodies; a place is known only where another job named
   * the same frames, which happens when a process died. The commit tells in any case, and then all are asked for.
   */
  #mayBeKnown({ frame }: Body): boolean {
    return frame.header.uniqueId !== null || this.#options.attempt.job.attempt > 1
  }

  /** The table, which the first write makes. That the sender may was asked at the door. */
  async #table(): Promise<Table> {
    const { store } = this.#options
    try {
      return await store.table(this.#accountId, this.#database, this.#name)
    } catch (error) {
      if (!isAppError(error, 'database_not_found') && !isAppError(error, 'table_not_found')) throw error
      await store.createDatabase(this.#accountId, this.#database, { ifNotExists: true })
      return await store.createTable(this.#accountId, this.#database, this.#name, { ifNotExists: true })
    }
  }

  /** False where the table or the ids changed meanwhile, and nothing was done. */
  async #importNew(table: Table, bodies: readonly Body[]): Promise<boolean> {
    const { attempt, disk, scratchDirectory, log } = this.#options
    const name = `import-${attempt.job.id}-${attempt.leaseToken}-${table.id}-${this.#conversions++}`
    const directory = join(scratchDirectory, name)
    await disk.makeDirectory(directory)
    try {
      const converted = await this.#convert(table, bodies, directory)
      return await this.#commit(table, bodies, converted)
    } catch (error) {
      attempt.signal.throwIfAborted()
      if (!isDeadly(error)) throw error
      const half = Math.ceil(bodies.length / 2)
      log.warn({ err: error, job: attempt.job.id, bodies: bodies.length }, 'a conversion took its process down')
      if (bodies.length === 1) return await this.#commit(table, bodies, condemned(error))
      await this.#importDistinct(bodies.slice(0, half))
      await this.#importDistinct(bodies.slice(half))
      return true
    } finally {
      await disk.removeDirectory(directory)
    }
  }

  async #convert(table: Table, bodies: readonly Body[], directory: string): Promise<ConvertOutput> {
    const { engines, limits, attempt, source } = this.#options
    const { path } = source
    const { memoryBytes, threads, timeoutMs, residentBytesMax } = limits
    const input: ConvertInput = {
      bodies: bodies.map((body) => {
        const { header, bodyFrom: offset } = body.frame
        const { format, encoding, timeColumn, receivedAtUs } = header
        return { path, offset, bytes: bytesOf(body), format, encoding, timeColumn, receivedAtUs }
      }),
      columns: table.columns.filter((column) => !isFixedColumn(column)),
      nextFieldId: table.nextFieldId,
      schemaMode: table.settings.schemaMode,
      directory,
      memoryBytes,
      threads,
    }
    const engineLimits = { timeoutMs, residentBytesMax, signal: attempt.signal }
    for (let losses = 1; ; losses += 1) {
      try {
        return await runConversion(engines, input, engineLimits)
      } catch (error) {
        const isLast = bodies.length > 1 || losses === lossesMax
        if (isLast || !isAppError(error, 'worker_lost')) throw error
        await this.#emptied(directory)
      }
    }
  }

  /** Another try finds no files of the one before. */
  async #emptied(directory: string): Promise<void> {
    const { disk } = this.#options
    await disk.removeDirectory(directory)
    await disk.makeDirectory(directory)
  }

  /** False where something else was committed meanwhile that has to be looked at first. */
  async #commit(table: Table, bodies: readonly Body[], converted: ConvertOutput): Promise<boolean> {
    const { store, attempt, clock } = this.#options
    const chunks = await Promise.all(converted.files.map((file) => this.#upload(table, file)))
    const { ids, places } = this.#identityOf(bodies, converted.bodies)
    const { quarantined, replayed } = await this.#sortOut(bodies, converted.bodies)
    const [came, went] = [total(ids) + total(places?.ranges ?? []), total(chunks)]
    assert(came === went, `the bodies have ${came} rows, and their chunks ${went}`)
    const { id: jobId } = attempt.job
    const outcome = await commitSurely(
      store,
      {
        accountId: this.#accountId,
        target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: converted.newColumns },
        operation: 'import',
        cause: `job:${jobId}`,
        chunks,
        ids,
        ...(places !== undefined && { places }),
        quarantined,
        ...(replayed !== undefined && { replayed }),
        fence: { jobId, leaseToken: attempt.leaseToken },
      },
      clock,
      attempt.signal,
    )
    if (outcome !== 'committed') return false
    for (const [index, result] of converted.bodies.entries()) this.#settle(bodies[index] as Body, result)
    return true
  }

  /** By what it is known that the bodies were applied: the ids of their senders, and the places of those without one. */
  #identityOf(bodies: readonly Body[], results: readonly ConvertedBody[]): Pick<Commit, 'ids' | 'places'> {
    const { neighbours, stretches, tally } = this.#options
    const ids: AppliedId[] = []
    let segment: string | undefined
    for (const [index, body] of bodies.entries()) {
      const { uniqueId } = body.frame.header
      const { rows, rejected, error } = must(results[index], 'every body was converted')
      if (uniqueId !== null) ids.push({ uniqueId, rows, quarantined: error === null ? rejected : 1 })
      else segment = body.segment.id
    }
    if (segment === undefined) return { ids }
    const { isWatched } = tally
    const ranges = rangesOf({ all: neighbours, committed: bodies, results, stretches, isWatched })
    return { ids, places: { segment, ranges } }
  }

  /** What goes into the quarantine, and what of it that was read again goes out of it or stays there. */
  async #sortOut(
    bodies: readonly Body[],
    results: readonly ConvertedBody[],
  ): Promise<Pick<Commit, 'quarantined' | 'replayed'>> {
    const { replayed: items, attempt, clock } = this.#options
    const quarantined: QuarantinedRecord[] = []
    const replay = new ReplayLedger(attempt.job.id, new Date(clock.nowMs()))
    for (const [index, result] of results.entries()) {
      if (items === undefined && isPlain(result)) continue
      const body = must(bodies[index], 'every result is that of a body')
      const item = items?.get(idOf(body))
      if (item !== undefined && replay.settle(item, result) === 'returned') continue
      const { error } = result
      const records =
        error === null
          ? await quarantinedRows(this.#options, body, result)
          : [await quarantinedBody(this.#options, body, error.code, error.message)]
      quarantined.push(...(item === undefined ? records : replay.partsOf(item, records)))
    }
    return items === undefined ? { quarantined } : { quarantined, replayed: replay.records }
  }

  async #upload(table: Table, file: ConvertedFile): Promise<NewChunk> {
    const { id, objectKey } = this.#options.store.newChunk({ accountId: this.#accountId, tableId: table.id })
    const crc32 = await putChecked(this.#options, objectKey, file.path)
    const { timeRange, rows, bytes, statistics } = file
    return { id, objectKey, timeRange, rows, bytes, statistics, crc32 }
  }

  /** Counts what came of a body. */
  #settle(body: Body, result: ConvertedBody): void {
    const { tally } = this.#options
    const { header, from } = body.frame
    if (isPlain(result) && header.uniqueId === null && !tally.isWatched(from)) tally.addPlain(result.rows)
    else this.#tell(this.#outcome(body, result))
  }

  /** Tells what came of a body, and so of those that have its id. */
  #tell(outcome: BodyOutcome): void {
    const { tally } = this.#options
    tally.add(outcome)
    for (const { frame } of this.#repetitions.get(outcome.uniqueId) ?? []) {
      tally.add({ ...outcome, at: frame.from, rejected: [], duplicate: true })
    }
  }

  #placeOf(body: Body): Pick<BodyOutcome, 'at' | 'database' | 'table'> {
    return { at: body.frame.from, database: this.#database, table: this.#name }
  }

  #outcome(body: Body, { rows, rejected, rejectedRows, error }: ConvertedBody): BodyOutcome {
    const { at, database, table } = this.#placeOf(body)
    if (error !== null) return { at, database, table, ...unreadOutcome(idOf(body), error) }
    return {
      at,
      database,
      table,
      uniqueId: idOf(body),
      accepted: rows,
      quarantined: rejected,
      rejected: rejectedRows
        .slice(0, shownRejectedMax)
        .map(({ recordNumber, reason, detail }) => ({ recordNumber, reason, detail })),
      duplicate: false,
      error: null,
    }
  }

  #duplicate(body: Body, { rows, quarantined }: AppliedCounts): BodyOutcome {
    const { at, database, table } = this.#placeOf(body)
    const uniqueId = idOf(body)
    return { at, database, table, uniqueId, accepted: rows, quarantined, rejected: [], duplicate: true, error: null }
  }
}

const shownRejectedMax = 10

function total(items: readonly { readonly rows: number }[]): number {
  return items.reduce((sum, { rows }) => sum + rows, 0)
}
