import { openLog } from '../../base/log.ts'
import { orphanAgeMs } from '../../base/objects/orphan-age.ts'
import { expireBulkImports, partOrphans } from '../../collect/bulk/orphans.ts'
import { inboxOrphans } from '../../collect/inbox/inbox-orphans.ts'
import { forgetRejections } from '../../collect/rejections/open-rejections.ts'
import { expireResults } from '../../deliver/expire-results.ts'
import { resultOrphans } from '../../deliver/result-orphans.ts'
import { deleteFinishedJobs, deleteOldRuns } from '../../jobs/retention.ts'
import { openScheduler } from '../../jobs/schedules/open-scheduler.ts'
import { Housekeeping } from '../housekeeping.ts'
import type { Chore } from '../housekeeping.ts'
import { findSettledTables, submitMerges } from '../../store/merge/request-merges.ts'
import { submitRestating } from '../../store/schema/request-restating.ts'
import { forgetQuarantine } from '../../store/quarantine/open-quarantine.ts'
import { forgetThePast } from '../../store/retention.ts'
import { openCatalog, openPlatform } from '../platform.ts'
import type { Platform } from '../platform.ts'
import { noteRole } from '../predecessors.ts'
import { runRole } from '../role-process.ts'
import { settingsOfRole } from '../role-settings.ts'

/** The scheduler: whatever happens by the clock, which is schedules and tidying up. */
const settings = settingsOfRole()
const log = openLog(settings.logLevel, { role: 'scheduler' })

/** Finished jobs, and with them the way to their results, are kept this long. */
const jobRetentionMs = 30 * 86_400_000

/** For so long a scheduled time that had its job is known, and not filled again. */
const runRetentionMs = 400 * 86_400_000

await runRole(log, async (begun) => {
  const platform = await openPlatform(settings, 'scheduler', log)
  const scheduler = openScheduler(platform)
  await begun()
  const housekeeping = new Housekeeping(chores(platform), platform.clock, log)
  return {
    services: [...platform.services, scheduler, housekeeping],
    note: () => noteRole(platform.notes, 'scheduler'),
  }
})

function chores(platform: Platform): Chore[] {
  const { store, objects, postgres, clock, jobs } = platform
  const iceberg = openCatalog(platform)
  const orphans = { objects, clock, ageMs: orphanAgeMs }
  const inbox = inboxOrphans(postgres, orphans)
  const parts = partOrphans(postgres, orphans)
  const results = resultOrphans(jobs, orphans)
  return [
    { name: 'submit merges', everyMs: 1000, perform: () => submitMerges({ postgres, jobs }) },
    { name: 'submit restating', everyMs: 1000, perform: () => submitRestating({ postgres, jobs, clock }) },
    {
      name: 'find hours to archive',
      everyMs: 60_000,
      perform: () => findSettledTables({ postgres, clock }),
    },
    { name: 'remove files that nothing refers to', everyMs: 60_000, perform: () => store.sweep() },
    { name: 'remove files of other engines that nothing refers to', everyMs: 60_000, perform: () => iceberg.sweep() },
    { name: 'remove rows that are too old', everyMs: 600_000, perform: () => store.expireChunks() },
    { name: 'remove what was never acknowledged', everyMs: 600_000, perform: () => inbox.step() },
    { name: 'remove parts that no bulk import knows', everyMs: 600_000, perform: () => parts.step() },
    {
      name: 'remove old bulk imports',
      everyMs: 600_000,
      perform: () => expireBulkImports({ postgres, objects, clock }),
    },
    { name: 'remove results without a job', everyMs: 600_000, perform: () => results.step() },
    {
      name: 'forget ids, arrivals and snapshots',
      everyMs: 3_600_000,
      perform: () => forgetThePast({ postgres, clock, uniqueIdDays: settings.uniqueIdDays }),
    },
    {
      name: 'forget old records of the quarantine',
      everyMs: 3_600_000,
      perform: () => forgetQuarantine({ ...platform, keptDays: settings.quarantineDays }),
    },
    {
      name: 'forget what was rejected',
      everyMs: 600_000,
      perform: () => forgetRejections({ ...platform, keptHours: settings.rejectionHours }),
    },
    {
      name: 'forget old jobs',
      everyMs: 600_000,
      perform: () => deleteFinishedJobs(postgres, new Date(clock.nowMs() - jobRetentionMs)),
    },
    {
      name: 'forget old runs of schedules',
      everyMs: 600_000,
      perform: () => deleteOldRuns(postgres, new Date(clock.nowMs() - runRetentionMs)),
    },
    {
      name: 'remove old results',
      everyMs: 6 * 3_600_000,
      perform: () => expireResults(objects, clock.nowMs() - jobRetentionMs),
    },
  ]
}
