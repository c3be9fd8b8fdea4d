import { join } from 'node:path'

import type { Disk } from '../base/disk.ts'
import { lives, nameOfProcess } from '../base/process-names.ts'

/**
 * Makes a directory for the temporary files of this process alone, named for its id and birth, and removes those of
 * processes that are gone: what a worker that was killed left half done is of no use to anybody. Workers on old and new
 * code run side by side, so the others' stay.
 */
export async function makeScratchDirectory(disk: Disk, parent: string): Promise<string> {
  for (const name of await disk.list(parent)) {
    if (!(await lives(name))) await disk.removeDirectory(join(parent, name))
  }
  const path = join(parent, await nameOfProcess(process.pid))
  await disk.makeDirectory(path)
  return path
}
