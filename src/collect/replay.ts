import type { Principal } from '../access/access.ts'
import type { Job } from '../jobs/jobs.ts'
import type { QuarantineFilter, MeantTable } from '../store/quarantine.ts'

/** Jobs that read records of the quarantine again. */
export const replayKind = 'replay'

/** What such a job did, in its last attempt. */
export interface ReplaySummary {
  /** Records that left the quarantine. */
  readonly released: number
  /** Records that could not be read this time either. */
  readonly returned: number
  /** Records of which it is not known how to read them by themselves. */
  readonly passedOver: number
  /** Rows that came out of it. */
  readonly rows: number
}

/** Reads again what is in the quarantine, mended or as it was. */
export interface Replays {
  /**
   * Submits a job that reads the records again that are there now. Each of them once: its rows and its leaving of the
   * quarantine are one commit.
   */
  submit(principal: Principal, table: MeantTable, filter: QuarantineFilter): Promise<Job>
}
