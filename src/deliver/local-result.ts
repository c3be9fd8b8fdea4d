import { join } from 'node:path'

import type { Disk } from '../base/disk.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { LocalObject, ObjectStore } from '../base/objects/objects.ts'
import type { Attempt } from '../jobs/jobs.ts'
import type { StoredResult } from './stored-result.ts'

export interface LocalResultParts {
  readonly objects: ObjectStore
  readonly disk: Disk
  readonly scratchDirectory: string
}

/** The stored result as a file that an engine process can read, until `release` is called. Fails with `result_expired`. */
export async function localResult(
  { objects, disk, scratchDirectory }: LocalResultParts,
  { job, leaseToken }: Attempt,
  { inline, resultKey }: StoredResult,
): Promise<Pick<LocalObject, 'path'> & { release(): Promise<void> }> {
  if (inline === undefined) {
    const local = await materialized(objects, resultKey)
    return { path: local.path, release: async () => local.release() }
  }
  const path = join(scratchDirectory, `inline-${job.id}-${leaseToken}`)
  const release = () => disk.remove(path)
  await disk.makeDirectory(scratchDirectory)
  try {
    const file = await disk.open(path, 'create')
    try {
      await file.write(Buffer.from(inline, 'base64'), 0)
    } finally {
      await file.close()
    }
  } catch (error) {
    await release()
    throw error
  }
  return { path, release }
}

async function materialized(objects: ObjectStore, resultKey: string): Promise<LocalObject> {
  try {
    return await objects.materialize(resultKey)
  } catch (error) {
    if (!isAppError(error, 'object_not_found')) throw error
    throw new AppError('result_expired', 'The result of the query is not stored any more.', {
      hint: 'Submit the query again.',
      cause: error,
    })
  }
}
