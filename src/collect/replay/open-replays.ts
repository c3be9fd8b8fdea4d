import type { Jobs } from '../../jobs/jobs.ts'
import type { Quarantine, QuarantineFilter, MeantTable } from '../../store/quarantine.ts'
import type { Replays } from '../replay.ts'
import { replayKind } from '../replay.ts'

/** Everything that the filter means and that is not newer than `upTo`. */
export interface ReplayInput {
  readonly table: MeantTable
  readonly filter: QuarantineFilter
  readonly upTo: number
}

export function openReplays(options: { readonly jobs: Jobs; readonly quarantine: Quarantine }): Replays {
  const { jobs, quarantine } = options
  return {
    async submit({ accountId, userId }, table, filter) {
      const { newest } = await quarantine.count(accountId, table, filter)
      const input: ReplayInput = { table, filter, upTo: newest }
      const { job } = await jobs.submit({ accountId, userId, kind: replayKind, input })
      return job
    },
  }
}
