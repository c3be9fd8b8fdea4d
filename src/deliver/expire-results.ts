import type { ObjectStore } from '../base/objects/objects.ts'

/** Where queries put their results and `deliver` the formats made of them. */
const resultsPrefix = 'results/'

/** Objects removed by one call: the caller comes again while there are more. */
const removalsMax = 1000

/**
 * Removes results that were stored before `olderThanMs` (milliseconds since the epoch), those of attempts that failed
 * among them. Returns how many. A download that has begun on a directory store finishes; a later one gets `result_expired`.
 */
export async function expireResults(objects: ObjectStore, olderThanMs: number): Promise<number> {
  const expired: string[] = []
  for await (const { key, modifiedMs } of objects.list(resultsPrefix)) {
    if (modifiedMs < olderThanMs) expired.push(key)
    if (expired.length >= removalsMax) break
  }
  for (const key of expired) await objects.remove(key)
  return expired.length
}
