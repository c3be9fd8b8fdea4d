import type { ErrorRecord } from '../../../src/base/errors.ts'
import type { JobState } from '../../../src/jobs/jobs.ts'
import type { ColumnStatistics, Layer, Operation } from '../../../src/store/store.ts'
import { Relation } from './transaction.ts'

/** The rows of the catalog and of the queue, as far as the commit path knows of them. */
export interface TableRecord {
  readonly id: number
  readonly account_id: number
  readonly database_id: number
  readonly database: string
  readonly name: string
  readonly snapshot: number
  readonly schema_version: number
  readonly next_field_id: number
  readonly rows: number
  readonly bytes: number
  readonly chunks: number
  readonly realtime_chunks: number
  readonly history_hours: number
  readonly oldest_snapshot: number
  readonly created_at: Date
}

export interface ChunkRecord {
  readonly id: string
  readonly account_id: number
  readonly table_id: number
  readonly layer: Layer
  readonly time_from: number
  readonly time_to: number
  readonly rows: number
  readonly bytes: number
  readonly object_key: string
  readonly column_statistics: Readonly<Record<number, ColumnStatistics>>
  readonly schema_version: number
  readonly crc32: number | null
  readonly sorted_by: readonly number[] | null
  readonly added_snapshot: number
  readonly created_at: Date
}

export interface RemovedChunkRecord extends ChunkRecord {
  readonly removed_snapshot: number
  readonly removed_at: Date
}

export interface AppliedRecord {
  readonly account_id: number
  readonly table_id: number
  readonly unique_id: string
  readonly snapshot: number
  readonly rows: number
  readonly quarantined: number
}

export interface PlacesRecord {
  readonly account_id: number
  readonly table_id: number
  readonly segment: string
  readonly from: number
  readonly to: number
  readonly snapshot: number
  readonly rows: number
  readonly quarantined: number
}

export interface SnapshotRecord {
  readonly table_id: number
  readonly snapshot: number
  readonly operation: Operation
  readonly cause: string
  readonly rows_added: number
  readonly rows_removed: number
}

export interface QuarantineRecord {
  readonly id: number
  readonly table_id: number | null
  readonly unique_id: string
  readonly reason: string
}

export interface MergeRequestRecord {
  readonly table_id: number
  readonly account_id: number
  readonly requested_at: Date
  readonly job_id: number | null
  readonly again: boolean
}

export interface JobRecord {
  readonly id: number
  readonly lane_id: number
  readonly account_id: number | null
  readonly user_id: number | null
  readonly kind: string
  readonly priority: number
  readonly unique_key: string | null
  readonly input: unknown
  readonly run_at: Date
  readonly attempts_max: number
  readonly timeout_ms: number | null
  readonly created_at: Date
}

export interface WaitingRecord {
  readonly job_id: number
  readonly lane_id: number
  readonly account_id: number | null
  readonly state: JobState
  readonly due_at: Date
  readonly position: number
  readonly attempt: number
}

export interface RunningRecord {
  readonly lease_token: number
  readonly job_id: number
  readonly lane_id: number
  readonly account_id: number | null
  readonly from_state: JobState
  readonly attempt: number
  readonly lease_owner: string
  readonly lease_expires_at: Date
  readonly acquired_at: Date
  readonly progress: unknown
}

/** One end of an attempt, or another change of a job. */
export interface HistoryRecord {
  readonly from_state: JobState
  readonly to_state: JobState
  readonly attempt: number
  readonly at: Date
  readonly acquired_at: Date | null
  readonly progress: unknown
  readonly output: unknown
  readonly error: ErrorRecord | null
}

export interface LaneRecord {
  readonly id: number
  readonly kind: string
  readonly account_id: number | null
  readonly limit_keys: readonly string[]
  readonly weights: readonly number[]
}

/** All relations of the model, and its sequences. */
export class Rows {
  readonly tables = new Relation<TableRecord>('tables')
  readonly chunks = new Relation<ChunkRecord>('chunks')
  readonly removedChunks = new Relation<RemovedChunkRecord>('removed_chunks')
  readonly appliedIds = new Relation<AppliedRecord>('applied_ids')
  readonly appliedPlaces = new Relation<PlacesRecord>('applied_places')
  readonly snapshots = new Relation<SnapshotRecord>('snapshots')
  readonly quarantine = new Relation<QuarantineRecord>('quarantine')
  readonly objectRemovals = new Relation<Date>('object_removals')
  readonly mergeRequests = new Relation<MergeRequestRecord>('merge_requests')
  readonly jobs = new Relation<JobRecord>('jobs')
  readonly jobKeys = new Relation<number>('jobs_unique_key')
  readonly waiting = new Relation<WaitingRecord>('job_waiting')
  readonly running = new Relation<RunningRecord>('job_running')
  readonly history = new Relation<readonly HistoryRecord[]>('job_history')
  readonly lanes = new Relation<LaneRecord>('job_lanes')
  readonly laneKeys = new Relation<number>('job_lanes_key')
  readonly #sequences = new Map<string, number>()

  clear(): void {
    for (const member of Object.values(this)) if (member instanceof Relation) member.clear()
  }

  /** As in PostgreSQL, a number that was drawn is not given back. */
  next(sequence: 'jobs' | 'lease_tokens' | 'lanes' | 'quarantine'): number {
    const next = (this.#sequences.get(sequence) ?? 0) + 1
    this.#sequences.set(sequence, next)
    return next
  }
}
