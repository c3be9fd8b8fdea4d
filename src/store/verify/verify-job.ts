import type { EnginePool } from '../../base/engines/engines.ts'
import { isAppError, must } from '../../base/errors.ts'
import type { Attempt, JobKind } from '../../jobs/jobs.ts'
import { selectDatabases, selectTable, selectTables } from '../catalog.sql.ts'
import { requireDatabase, tableOf } from '../catalog.ts'
import { chunkOf } from '../chunks.sql.ts'
import { queryColumns } from '../columns.ts'
import type { Chunk, Table } from '../store.ts'
import type { VerifyInput, VerifySummary } from '../upkeep.ts'
import { verifyKind } from '../upkeep.ts'
import { checkObject, soundCopy } from './check-object.ts'
import type { Finding, Problem } from './findings.ts'
import { Pace } from './pace.ts'
import { repair } from './repair.ts'
import type { RepairTools } from './repair.ts'
import type { CheckInput, CheckOutput } from './tasks.ts'
import { checkTask } from './tasks.ts'
import { selectChunkIds, selectLiveChunks } from './verify.sql.ts'

export interface VerifyJobOptions extends RepairTools {
  readonly concurrency: number
  /** How much is read in a second, over all of a job. */
  readonly bytesPerSecondMax: number
}

/** Chunks that are looked at together, and how many of them at one time. */
const batchChunks = 64
const atOnce = 4

/** More are counted, and not listed. */
const problemsMax = 1000

/** Jobs of kind `verify`: whether the chunks of some tables are what the catalog says, and what can be done where they are not. */
export function verifyJob(options: VerifyJobOptions): JobKind {
  return {
    kind: verifyKind,
    concurrency: options.concurrency,
    handler: (attempt) => new Verification(options, attempt).run(),
  }
}

class Verification {
  readonly #options: VerifyJobOptions
  readonly #attempt: Attempt
  readonly #accountId: number
  readonly #input: VerifyInput
  readonly #pace: Pace
  readonly #problems: Problem[] = []
  #summary: Omit<VerifySummary, 'problems'> = { tables: 0, chunks: 0, bytes: 0, problemCount: 0 }

  constructor(options: VerifyJobOptions, attempt: Attempt) {
    this.#options = options
    this.#attempt = attempt
    this.#accountId = must(attempt.job.accountId, 'tables belong to accounts')
    this.#input = attempt.job.input as VerifyInput
    this.#pace = new Pace(options.clock, options.bytesPerSecondMax)
  }

  async run(): Promise<VerifySummary> {
    for (const table of await this.#tables()) {
      const ids = await selectChunkIds(this.#options.postgres, keyOf(table), this.#input.sample)
      for (let at = 0; at < ids.length; at += batchChunks) {
        await this.#verifySome(table.id, ids.slice(at, at + batchChunks))
      }
      this.#count({ tables: 1 })
    }
    return { ...this.#summary, problems: this.#problems }
  }

  async #tables(): Promise<Table[]> {
    const { postgres } = this.#options
    const { database, table } = this.#input
    const databases =
      database === null
        ? await selectDatabases(postgres, this.#accountId)
        : [await requireDatabase(postgres, this.#accountId, database)]
    const tables: Table[] = []
    for (const { id } of databases) tables.push(...(await selectTables(postgres, this.#accountId, id)).map(tableOf))
    return tables.filter(({ name }) => table === null || name === table)
  }

  /** The table is looked at anew for each batch: what the job repairs changes it, and so do others. */
  async #verifySome(tableId: number, ids: readonly string[]): Promise<void> {
    const { postgres } = this.#options
    const row = await selectTable(postgres, this.#accountId, tableId)
    if (row === undefined) return
    const table = tableOf(row)
    const waiting = (await selectLiveChunks(postgres, keyOf(table), ids)).map(chunkOf)
    const some = async (): Promise<void> => {
      for (let chunk = waiting.pop(); chunk !== undefined; chunk = waiting.pop()) {
        this.#attempt.signal.throwIfAborted()
        await this.#pace.take(chunk.bytes, this.#attempt.signal)
        await this.#verifyChunk(table, chunk)
        this.#count({ chunks: 1, bytes: chunk.bytes })
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: atOnce }, some))
    for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason
  }

  async #verifyChunk(table: Table, chunk: Chunk): Promise<void> {
    const finding = (await checkObject(this.#options.objects, chunk)) ?? (await this.#checkContents(table, chunk))
    if (finding === null) return
    // What was merged away or dropped meanwhile is no problem of the table any more.
    const [live] = await selectLiveChunks(this.#options.postgres, keyOf(table), [chunk.id])
    if (live === undefined) return
    const isMended = this.#input.repair || finding.what === 'local_copy'
    const outcome = isMended ? await repair(this.#options, this.#attempt, table, chunk, finding) : 'reported'
    const { what, detail, byte } = finding
    const { database, name } = table
    const problem = { database, table: name, chunk: chunk.id, objectKey: chunk.objectKey, what, detail, byte, outcome }
    this.#options.log.error({ ...problem, job: this.#attempt.job.id }, 'a chunk is not what the catalog says')
    if (this.#problems.length < problemsMax) this.#problems.push(problem)
    this.#count({ problemCount: 1 })
  }

  async #checkContents(table: Table, chunk: Chunk): Promise<Finding | null> {
    const { local, isFresh } = await soundCopy(this.#options, chunk)
    try {
      const found = await this.#readInEngine(this.#options.engines, table, chunk, local.path)
      if (found !== null) return found
    } finally {
      local.release()
    }
    if (!isFresh) return null
    return { what: 'local_copy', detail: 'the copy of it on this machine had another checksum', byte: null }
  }

  async #readInEngine(engines: EnginePool, table: Table, chunk: Chunk, path: string): Promise<Finding | null> {
    const { memoryBytes, threads, timeoutMs, residentBytesMax } = this.#options.limits
    const { rows, timeRange, statistics } = chunk
    const columns = queryColumns(table.columns).map(({ column, queryName }) => ({ ...column, name: queryName }))
    const input: CheckInput = { files: [{ path, columns, rows, timeRange, statistics }], memoryBytes, threads }
    const limits = { timeoutMs, residentBytesMax, signal: this.#attempt.signal }
    try {
      const { findings } = await engines.run<CheckOutput>({ kind: checkTask, input }, limits)
      const finding = findings[0] ?? null
      if (finding === null) return null
      const { what, detail, rows: really } = finding
      return { what, detail, byte: null, ...(really !== null && { rows: really }) }
    } catch (error) {
      if (!isAppError(error, 'worker_lost')) throw error
      return { what: 'unreadable', detail: 'the engine process died of reading it', byte: null }
    }
  }

  #count(more: Partial<Omit<VerifySummary, 'problems'>>): void {
    const { tables, chunks, bytes, problemCount } = this.#summary
    this.#summary = {
      tables: tables + (more.tables ?? 0),
      chunks: chunks + (more.chunks ?? 0),
      bytes: bytes + (more.bytes ?? 0),
      problemCount: problemCount + (more.problemCount ?? 0),
    }
    this.#attempt.progress(this.#summary)
  }
}

function keyOf({ accountId, id }: Table): { accountId: number; tableId: number } {
  return { accountId, tableId: id }
}
