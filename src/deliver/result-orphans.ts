import { OrphanWalk } from '../base/objects/orphan-walk.ts'
import type { OrphanWalkOptions } from '../base/objects/orphan-walk.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { finishedStates } from '../jobs/jobs.ts'
import { isAppError } from '../base/errors.ts'
import type { StoredResult } from './stored-result.ts'

/** Of a query: `results/<account>/<job>-<lease>.parquet`. What was made of it in other formats is not meant. */
const keyPattern = /^results\/(\d+)\/(\d+)-\d+\.parquet$/

/**
 * Removes results of attempts that died between storing one and ending: the job was tried again, and has another or none. Those
 * of jobs that still run stay, and so do the results of jobs that are forgotten: they expire by their age.
 */
export function resultOrphans(jobs: Pick<Jobs, 'get'>, options: OrphanWalkOptions): OrphanWalk {
  const rule = {
    prefix: 'results/',
    madeMs: ({ key, modifiedMs }: { key: string; modifiedMs: number }) =>
      keyPattern.test(key) ? modifiedMs : undefined,
    async known(keys: readonly string[]) {
      const known: string[] = []
      for (const key of keys) if (await isResult(jobs, key)) known.push(key)
      return known
    },
  }
  return new OrphanWalk(rule, options)
}

async function isResult(jobs: Pick<Jobs, 'get'>, key: string): Promise<boolean> {
  const [, account, id] = keyPattern.exec(key) ?? []
  try {
    const job = await jobs.get(Number(account), Number(id))
    if (!finishedStates.has(job.state)) return true
    if (job.state !== 'success') return false
    const output = job.output as StoredResult | null
    // Of a script that asked several times, an earlier answer may lie under the key of one that is inline.
    return output?.resultKey === key && output.inline === undefined
  } catch (error) {
    if (isAppError(error, 'job_not_found')) return true
    throw error
  }
}
