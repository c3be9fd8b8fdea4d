import type { Postgres } from '../base/postgres/postgres.ts'
import type { Attempt, JobKind } from '../jobs/jobs.ts'
import { importKind, OutcomeTally } from './import-input.ts'
import type { ImportInput, ImportSummary } from './import-input.ts'
import { importLimitsDefault, TableImport } from './import-table.ts'
import type { ImportLimits, ImportTools } from './import-table.ts'
import { openFrameSource } from './inbox/frame-source.ts'
import type { FrameSource, ReadFrames } from './inbox/frame-source.ts'
import { byTable } from './keep-bodies.ts'

export interface ImportJobOptions extends ImportTools {
  readonly postgres: Postgres
  /** The directory of this machine's inbox; there may be none. */
  readonly inboxDirectory: string
  /** How many jobs run at once. */
  readonly concurrency: number
  readonly limits?: Partial<ImportLimits>
}

/** Tables of one job that are imported at the same time. */
const tablesAtOnce = 4

/**
 * Jobs of kind `import`: read frames, convert them in an engine process, commit the rows together with the unique ids. An
 * attempt may be repeated at any point, because what was committed is known by its ids.
 */
export function importJob(options: ImportJobOptions): JobKind {
  return { kind: importKind, concurrency: options.concurrency, handler: (attempt) => runImport(options, attempt) }
}

async function runImport(options: ImportJobOptions, attempt: Attempt): Promise<ImportSummary> {
  const { segment, spans, watched } = attempt.job.input as ImportInput
  const { limits: ownLimits, ...tools } = options
  const limits = { ...importLimitsDefault, ...ownLimits }
  const source = await openSegment(options, attempt)
  // A segment is released when everything in it was applied, by another job that named the same frames.
  const waitedFor = new Set(watched)
  const tally = new OutcomeTally((at) => waitedFor.has(at))
  if (source === undefined) return tally.summary
  try {
    const read = await source.read(spans)
    await keepDamaged(options, attempt, read)
    const bodies = read.frames
      .filter(({ header }) => header.accountId === attempt.job.accountId)
      .map((frame) => ({ segment, frame }))
    const tables = [...byTable(bodies).values()]
    const importSome = async (): Promise<void> => {
      for (let next = tables.shift(); next !== undefined; next = tables.shift()) {
        attempt.signal.throwIfAborted()
        const own = new TableImport(
          { limits, attempt, source, neighbours: bodies, stretches: read.stretches, tally, ...tools },
          next,
        )
        await own.run()
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: tablesAtOnce }, importSome))
    for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason
    return tally.summary
  } catch (error) {
    // So it may be while this job is at it: an engine process, which opens it by itself, does not find it any more.
    const still = await openSegment(options, attempt)
    if (still === undefined) return tally.summary
    await still.close()
    throw error
  } finally {
    await source.close()
  }
}

function openSegment(options: ImportJobOptions, { job }: Attempt): Promise<FrameSource | undefined> {
  const { segment } = job.input as ImportInput
  return openFrameSource(segment, { directory: options.inboxDirectory, ...options })
}

/** The disk does not hold any more what was acknowledged. Whose it was cannot be told, but the bytes are kept. */
async function keepDamaged(options: ImportJobOptions, attempt: Attempt, { damaged }: ReadFrames): Promise<void> {
  const { segment } = attempt.job.input as ImportInput
  for (const { from, bytes } of damaged) {
    const key = `quarantine/damaged/${segment.id}-${from}`
    options.log.error({ segment, from, key, job: attempt.job.id }, 'acknowledged bytes of the inbox were damaged')
    await options.objects.put(key, bytes)
  }
}
