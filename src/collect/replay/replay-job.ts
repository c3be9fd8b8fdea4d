import { join } from 'node:path'

import { isAppError, must } from '../../base/errors.ts'
import type { Attempt, JobKind } from '../../jobs/jobs.ts'
import type { Quarantine, QuarantineItem } from '../../store/quarantine.ts'
import { contentEncodings, importFormats } from '../collect.ts'
import { OutcomeTally } from '../import-input.ts'
import type { BodyOutcome } from '../import-input.ts'
import type { ImportLimits, ImportTools } from '../import-table.ts'
import { importLimitsDefault, TableImport } from '../import-table.ts'
import type { FrameHeader } from '../inbox/inbox.ts'
import type { Body, BodySource } from '../body.ts'
import { intakeDoors } from '../rejections.ts'
import type { ReplaySummary } from '../replay.ts'
import { replayKind } from '../replay.ts'
import type { ReplayInput } from './open-replays.ts'
import type { ReplayedItem } from './replay-ledger.ts'

export interface ReplayJobOptions extends ImportTools {
  readonly quarantine: Quarantine
  readonly concurrency: number
  readonly limits?: Partial<ImportLimits>
}

/** How much is read again at one time, and so becomes one chunk. */
const batch = { recordsMax: 5000, bytesMax: 32 << 20 }

/** Somebody may go on mending records while they are read. */
const triesMax = 5

/**
 * Jobs of kind `replay`: records of the quarantine go through the converter again, each as a body of its own. Its rows and its
 * leaving of the quarantine are one commit, so a replay that is repeated at any point reads nothing twice and loses nothing.
 */
export function replayJob(options: ReplayJobOptions): JobKind {
  return {
    kind: replayKind,
    concurrency: options.concurrency,
    handler: (attempt) => new Replay(options, attempt).run(),
  }
}

class Replay {
  readonly #options: ReplayJobOptions
  readonly #attempt: Attempt
  readonly #input: ReplayInput
  readonly #accountId: number
  #summary: ReplaySummary = { released: 0, returned: 0, passedOver: 0, rows: 0 }

  constructor(options: ReplayJobOptions, attempt: Attempt) {
    this.#options = options
    this.#attempt = attempt
    this.#input = attempt.job.input as ReplayInput
    this.#accountId = must(attempt.job.accountId, 'records belong to accounts')
  }

  async run(): Promise<ReplaySummary> {
    let after = 0
    for (let tries = 1; ;) {
      this.#attempt.signal.throwIfAborted()
      const items = await this.#next(after)
      const last = items.at(-1)
      if (last === undefined) return this.#summary
      try {
        await this.#read(items)
      } catch (error) {
        if (!isAppError(error, 'conflict') || tries === triesMax) throw error
        tries += 1
        continue
      }
      after = last.id
      tries = 1
      this.#attempt.progress(this.#summary)
    }
  }

  #next(after: number): Promise<QuarantineItem[]> {
    const { table, filter, upTo } = this.#input
    const page = { ...batch, after, upTo, jobId: this.#attempt.job.id }
    return this.#options.quarantine.next(this.#accountId, table, filter, page)
  }

  async #read(items: readonly QuarantineItem[]): Promise<void> {
    const { disk, scratchDirectory } = this.#options
    const { job, leaseToken } = this.#attempt
    const directory = join(scratchDirectory, `replay-${job.id}-${leaseToken}`)
    await disk.makeDirectory(directory)
    try {
      const path = join(directory, 'records')
      const bodies = await this.#writeBodies(items, path)
      const outcomes = bodies.length === 0 ? [] : await this.#import(bodies, items, this.#sourceAt(path))
      this.#count(outcomes, items.length - bodies.length)
    } finally {
      await disk.removeDirectory(directory)
    }
  }

  async #import(
    bodies: readonly Body[],
    items: readonly QuarantineItem[],
    source: BodySource,
  ): Promise<readonly BodyOutcome[]> {
    const limits = { ...importLimitsDefault, ...this.#options.limits }
    const replayed = new Map<string, ReplayedItem>(items.map((item) => [replayId(item), item]))
    const tally = new OutcomeTally(() => true)
    // Each has an id of its own, so there are no places to be told.
    const options = {
      ...this.#options,
      limits,
      attempt: this.#attempt,
      source,
      neighbours: bodies,
      stretches: [],
      tally,
      replayed,
    }
    await new TableImport(options, bodies).run()
    return tally.watched
  }

  #sourceAt(path: string): BodySource {
    const { disk } = this.#options
    return {
      path,
      async readBody({ bodyFrom, bodyTo }) {
        const file = await disk.open(path, 'read')
        return await file.read(bodyFrom, bodyTo - bodyFrom).finally(() => file.close())
      },
    }
  }

  /** The records that can be read, one behind the other in a file. */
  async #writeBodies(items: readonly QuarantineItem[], path: string): Promise<Body[]> {
    const { disk, quarantine } = this.#options
    const bodies: Body[] = []
    const bytesOf = await quarantine.bytesToRead(
      this.#accountId,
      items.map(({ id }) => id),
    )
    const file = await disk.open(path, 'create')
    try {
      let offset = 0
      for (const item of items) {
        const header = this.#headerOf(item)
        const bytes = bytesOf.get(item.id)
        if (header === undefined || bytes === undefined) continue
        const body = isRecord(item) ? Buffer.concat([item.source?.header ?? Buffer.alloc(0), bytes]) : bytes
        await file.write(body, offset)
        bodies.push(bodyAt(item, header, offset, offset + body.byteLength))
        offset += body.byteLength
      }
    } finally {
      await file.close()
    }
    return bodies
  }

  /** Undefined where it is not known how to read the record. */
  #headerOf(item: QuarantineItem): FrameHeader | undefined {
    const { source } = item
    const format = importFormats.find((known) => known === source?.format)
    const encoding = contentEncodings.find((known) => known === source?.encoding)
    if (source === null || format === undefined || encoding === undefined) return undefined
    const door = intakeDoors.find((known) => known === source.door)
    return {
      accountId: this.#accountId,
      userId: this.#attempt.job.userId ?? 0,
      keyId: source.keyId,
      database: this.#input.table.database,
      table: this.#input.table.name,
      uniqueId: replayId(item),
      format,
      encoding,
      timeColumn: source.timeColumn,
      receivedAtUs: source.receivedAtUs,
      ...(door !== undefined && { door }),
    }
  }

  #count(outcomes: readonly BodyOutcome[], passedOver: number): void {
    const fresh = outcomes.filter(({ duplicate }) => !duplicate)
    const returned = fresh.filter(({ accepted, quarantined }) => accepted === 0 && quarantined === 1).length
    this.#summary = {
      released: this.#summary.released + fresh.length - returned,
      returned: this.#summary.returned + returned,
      passedOver: this.#summary.passedOver + passedOver,
      rows: this.#summary.rows + fresh.reduce((sum, { accepted }) => sum + accepted, 0),
    }
  }
}

/** The same for every job that reads the record as it is now. */
function replayId({ id, revision }: QuarantineItem): string {
  return `replay:${id}:${revision}`
}

/** And not a whole body, which has its own line of names. */
function isRecord({ recordNumber }: QuarantineItem): boolean {
  return recordNumber !== null
}

function bodyAt(item: QuarantineItem, header: FrameHeader, bodyFrom: number, bodyTo: number): Body {
  const segment = { kind: 'object', id: `replay-${item.id}-${item.revision}`, key: '' } as const
  const frame = { header, from: 0, bodyFrom, bodyTo, to: bodyTo - bodyFrom, durableTo: 0 }
  return { segment, frame }
}
