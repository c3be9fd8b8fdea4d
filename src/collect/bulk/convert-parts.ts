import { join } from 'node:path'

import type { LocalObject } from '../../base/objects/objects.ts'
import { putChecked } from '../../base/objects/put-checked.ts'
import { isAppError, must } from '../../base/errors.ts'
import type { Attempt } from '../../jobs/jobs.ts'
import { assignFieldIds, isFixedColumn } from '../../store/columns.ts'
import type { Column, NewChunk, Table } from '../../store/store.ts'
import { condemned, isDeadly } from '../convert/deadly.ts'
import { runConversion } from '../convert/message.ts'
import type { ConvertInput, ConvertOutput, ConvertedFile } from '../convert/tasks.ts'
import type { ImportLimits, ImportTools } from '../import-table.ts'
import type { PartRow } from './bulk.sql.ts'
import type { ConversionTarget, KeptError } from './conversions.sql.ts'
import { ErrorKeeper } from './error-keeper.ts'
import { groupBytesMax, groupsAtOnce } from './limits.ts'
import type { PartKind } from './part-kind.ts'
import { headBytes, partKind } from './part-kind.ts'

/** What parts were converted to. */
export interface Conversion {
  readonly target: ConversionTarget
  readonly chunks: readonly NewChunk[]
  readonly errors: readonly KeptError[]
  readonly validRecords: number
  readonly errorRecords: number
  readonly validParts: number
  readonly errorParts: number
}

export interface PartsToConvert extends ImportTools {
  readonly limits: ImportLimits
  readonly attempt: Attempt
  readonly importId: number
  readonly table: Table
  /** In order. */
  readonly parts: readonly PartRow[]
}

/** Parts that are converted by one task. */
interface Group {
  readonly parts: readonly PartRow[]
  /** How many processes went down over it. */
  readonly losses: number
}

/** How often a part alone may take its engine process down. Once can be bad luck. */
const lossesMax = 2

/**
 * Converts parts to files that are chunks when they are committed. Groups of them go through engine processes side by side, and
 * all of them add to one list of new columns: a group that was converted while another one added columns, and has some of its own, is
 * converted again. A part that cannot be read, or that takes its process down, is an error, and the others go on.
 */
export async function convertParts(work: PartsToConvert): Promise<Conversion> {
  return await new PartsConversion(work).run()
}

class PartsConversion {
  readonly #work: PartsToConvert
  readonly #waiting: Group[]
  readonly #chunks: NewChunk[] = []
  readonly #errors: ErrorKeeper
  #newColumns: readonly Column[] = []
  #nextFieldId: number
  #tasks = 0
  #validRecords = 0
  #validParts = 0
  #errorParts = 0

  constructor(work: PartsToConvert) {
    this.#work = work
    this.#waiting = grouped(work.parts)
    this.#nextFieldId = work.table.nextFieldId
    this.#errors = new ErrorKeeper({ ...work, accountId: work.table.accountId })
  }

  async run(): Promise<Conversion> {
    const convertedAt = new Date(this.#work.clock.nowMs())
    // The first group finds most of the columns, and the others can go beside each other without being repeated for them.
    await this.#convertNext()
    const lanes = Array.from({ length: groupsAtOnce }, async () => {
      while (this.#waiting.length > 0) await this.#convertNext()
    })
    for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason
    const { id: tableId, schemaVersion } = this.#work.table
    return {
      target: { tableId, schemaVersion, newColumns: this.#newColumns, convertedAt },
      chunks: this.#chunks,
      errors: this.#errors.kept(this.#work.parts),
      validRecords: this.#validRecords,
      errorRecords: this.#errors.count,
      validParts: this.#validParts,
      errorParts: this.#errorParts,
    }
  }

  async #convertNext(): Promise<void> {
    const group = this.#waiting.shift()
    if (group === undefined) return
    const { attempt, disk, scratchDirectory, importId } = this.#work
    attempt.signal.throwIfAborted()
    const name = `bulk-${importId}-${attempt.job.id}-${attempt.leaseToken}-${this.#tasks++}`
    const directory = join(scratchDirectory, name)
    await disk.makeDirectory(directory)
    try {
      await this.#convert(group, directory)
    } finally {
      await disk.removeDirectory(directory)
    }
    const done = this.#validParts + this.#errorParts
    attempt.progress({ parts: done, of: this.#work.parts.length, rows: this.#validRecords })
  }

  async #convert(group: Group, directory: string): Promise<void> {
    const files = await this.#materialize(group.parts)
    try {
      const nextFieldId = this.#nextFieldId
      const output = await this.#runTask(group, files, directory)
      if (output === undefined) return
      const isStale = output.newColumns.length > 0 && nextFieldId !== this.#nextFieldId
      if (isStale) this.#waiting.unshift(group)
      else await this.#accept(group, files, output)
    } finally {
      for (const file of files) file.release()
    }
  }

  async #materialize(parts: readonly PartRow[]): Promise<LocalObject[]> {
    const files: LocalObject[] = []
    try {
      for (const { objectKey, bytes } of parts) files.push(await this.#work.objects.materialize(objectKey, { bytes }))
      return files
    } catch (error) {
      for (const file of files) file.release()
      throw error
    }
  }

  /** Undefined where the group took its process down, and is to be tried in another way. */
  async #runTask(group: Group, files: readonly LocalObject[], directory: string): Promise<ConvertOutput | undefined> {
    const { engines, limits, attempt, log } = this.#work
    const { timeoutMs, residentBytesMax } = limits
    const input = await this.#taskOf(group, files, directory)
    try {
      const engineLimits = { timeoutMs, residentBytesMax, signal: attempt.signal }
      return await runConversion(engines, input, engineLimits)
    } catch (error) {
      attempt.signal.throwIfAborted()
      if (!isDeadly(error)) throw error
      log.warn({ err: error, job: attempt.job.id, parts: group.parts.length }, 'parts took their process down')
      if (group.parts.length > 1) this.#waiting.unshift(...group.parts.map((part) => ({ parts: [part], losses: 0 })))
      else if (isAppError(error, 'worker_lost') && group.losses + 1 < lossesMax) {
        this.#waiting.unshift({ ...group, losses: group.losses + 1 })
      } else return condemned(error)
      return undefined
    }
  }

  async #taskOf(group: Group, files: readonly LocalObject[], directory: string): Promise<ConvertInput> {
    const { table, limits } = this.#work
    const bodies = group.parts.map(async (part, index) => {
      const { path } = must(files[index], 'every part has its file')
      const kind = await this.#kindOf(part, path)
      const receivedAtUs = part.uploadedAt.getTime() * 1000
      return { path, offset: 0, bytes: part.bytes, ...kind, timeColumn: null, receivedAtUs, mayBeLong: true }
    })
    return {
      bodies: await Promise.all(bodies),
      columns: [...table.columns.filter((column) => !isFixedColumn(column)), ...this.#newColumns],
      nextFieldId: this.#nextFieldId,
      schemaMode: table.settings.schemaMode,
      directory,
      memoryBytes: limits.memoryBytes,
      threads: limits.threads,
    }
  }

  async #kindOf({ name }: PartRow, path: string): Promise<PartKind> {
    const file = await this.#work.disk.open(path, 'read')
    return partKind(name, await file.read(0, headBytes).finally(() => file.close()))
  }

  async #accept(group: Group, files: readonly LocalObject[], output: ConvertOutput): Promise<void> {
    // Before anything is waited for: a group that ends meanwhile has to see them.
    this.#newColumns = [...this.#newColumns, ...output.newColumns]
    this.#nextFieldId = assignFieldIds(output.newColumns, this.#nextFieldId).nextFieldId
    for (const file of output.files) this.#chunks.push(await this.#upload(file))
    for (const [index, part] of group.parts.entries()) {
      const body = must(output.bodies[index], 'every part was converted')
      this.#validRecords += body.rows
      if (body.error === null) this.#validParts += 1
      else this.#errorParts += 1
      const { path } = must(files[index], 'every part has its file')
      await this.#errors.keep(part, path, await this.#kindOf(part, path), body)
    }
  }

  async #upload(file: ConvertedFile): Promise<NewChunk> {
    const { accountId, id: tableId } = this.#work.table
    const { id, objectKey } = this.#work.store.newChunk({ accountId, tableId })
    const crc32 = await putChecked(this.#work, objectKey, file.path)
    const { timeRange, rows, bytes, statistics } = file
    return { id, objectKey, timeRange, rows, bytes, statistics, crc32 }
  }
}

/** Neighbours together, as far as they are small. */
function grouped(parts: readonly PartRow[]): Group[] {
  const groups: { parts: PartRow[]; losses: 0 }[] = []
  let bytes = Infinity
  for (const part of parts) {
    if (bytes + part.bytes > groupBytesMax) {
      groups.push({ parts: [], losses: 0 })
      bytes = 0
    }
    groups.at(-1)?.parts.push(part)
    bytes += part.bytes
  }
  return groups
}
