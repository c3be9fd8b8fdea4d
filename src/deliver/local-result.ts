import { join } from 'node:path'

import type { Disk } from '../base/disk.ts'
import { isAppError } from '../base/errors.ts'
import type { LocalObject, ObjectStore } from '../base/objects/objects.ts'
import type { Attempt } from '../jobs/jobs.ts'
import type { StoredResult } from './stored-result.ts'
import { resultExpired } from './stored-result.ts'

export interface LocalResultParts {
  readonly objects: ObjectStore
  readonly disk: Disk
  readonly scratchDirectory: string
}

/**
 * Has the stored result lie in a file that an engine process can read for as long as `use` runs. Where its object is not there, fails with `result_expired` if
 * another job made it, and else with `object_not_found`: the next attempt makes it anew.
 */
export async function withLocalResult<T>(
  { objects, disk, scratchDirectory }: LocalResultParts,
  { job, leaseToken }: Attempt,
  result: StoredResult,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const { inline } = result
  if (inline === undefined) {
    const local = await materialized(objects, result)
    return await use(local.path).finally(() => local.release())
  }
  const path = join(scratchDirectory, `inline-${job.id}-${leaseToken}`)
  await disk.makeDirectory(scratchDirectory)
  try {
    await writeFile(disk, path, Buffer.from(inline, 'base64'))
    return await use(path)
  } finally {
    await disk.remove(path)
  }
}

async function writeFile(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const file = await disk.open(path, 'create')
  try {
    await file.write(bytes, 0)
  } finally {
    await file.close()
  }
}

async function materialized(objects: ObjectStore, { resultKey, madeBy }: StoredResult): Promise<LocalObject> {
  try {
    return await objects.materialize(resultKey)
  } catch (error) {
    throw madeBy !== undefined && isAppError(error, 'object_not_found') ? resultExpired(madeBy, error) : error
  }
}
