/** Jobs of this kind convert the parts of a bulk import. */
export const performKind = 'bulk_import'

/** Jobs of this kind commit what was converted. */
export const commitKind = 'bulk_commit'

/** Which step of which import the job does: of an older one than the newest, nothing counts any more. */
export interface BulkJobInput {
  readonly importId: number
  readonly step: number
}

/** The output of a job that converts. */
export interface PerformSummary {
  readonly parts: number
  readonly rows: number
  /** Records that could not be read, and parts of which nothing could. */
  readonly rejected: number
  readonly unreadable: number
}
