import { AppError } from '../../base/errors.ts'
import type { Chunk, Commit, NewChunk, TableSnapshot } from '../../store/store.ts'
import type { QueryOutput, QueryStatistics } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import { commitOfJob, written } from './job-write.ts'

/** Which chunks take the place of which, as it was planned on one snapshot. */
export interface Replacement {
  readonly snapshot: TableSnapshot
  readonly removed: readonly Chunk[]
  readonly added: readonly NewChunk[]
  /** What the answer of the statement says. */
  readonly rows: number
  readonly statistics: QueryStatistics
}

export interface ReplacingStatement {
  readonly statement: QueryOutput['statement']
  readonly operation: Commit['operation']
  /**
   * Whether what was committed since the plan's snapshot has a part in it: then the plan holds for that snapshot alone.
   * Otherwise it holds for as long as its chunks are there.
   */
  readonly mindsNewRows: boolean
  /** Plans on the newest snapshot; called again when another commit came first. */
  readonly plan: () => Promise<Replacement>
}

/** Merges, imports and other statements go on beside this one; one that loses against all of them is tried again later. */
const roundsMax = 40

/** Puts new chunks in the place of old ones in one commit under the job's id: all of it is done, once, or nothing. */
export async function replaceChunks(context: QueryContext, replacing: ReplacingStatement): Promise<QueryOutput> {
  for (let round = 1; round <= roundsMax; round += 1) {
    context.attempt.signal.throwIfAborted()
    const planned = await replacing.plan()
    const { removed, added, rows, statistics } = planned
    const { table } = planned.snapshot
    context.progress({ stage: 'storing', percent: null, bytesToScan: null })
    const outcome = await context.ports.store.commit({
      ...commitOfJob(context, rows),
      target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
      operation: replacing.operation,
      chunks: added,
      removed: removed.map(({ id }) => id),
      ...(replacing.mindsNewRows && { basis: table.snapshot }),
    })
    switch (outcome.kind) {
      case 'committed':
        return written(replacing.statement, rows, statistics)
      case 'duplicate':
        return written(replacing.statement, outcome.known[0]?.rows ?? 0, statistics)
      case 'table_dropped':
        throw new AppError('table_not_found', 'The table was dropped while the statement ran; nothing was changed.')
      case 'conflict':
      case 'schema_changed':
    }
  }
  throw new AppError('conflict', `The table changed ${roundsMax} times under the statement; nothing was changed.`, {
    hint: 'The job is tried again by itself.',
  })
}
