import { join } from 'node:path'

import type { Disk } from '../base/disk.ts'
import { birthOf, isAlive } from '../base/process-table.ts'

/**
 * Makes a directory for the temporary files of this process alone, named for its id and birth, and removes those of
 * processes that are gone: what a worker that was killed left half done is of no use to anybody. Workers on old and new
 * code run side by side, so the others' stay.
 */
export async function makeScratchDirectory(disk: Disk, parent: string): Promise<string> {
  const own = await nameFor(process.pid)
  for (const name of await disk.list(parent)) {
    const pid = Number(name.split('.')[0])
    const lives = Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) && (await nameFor(pid)) === name
    if (!lives) await disk.removeDirectory(join(parent, name))
  }
  const path = join(parent, own)
  await disk.makeDirectory(path)
  return path
}

async function nameFor(pid: number): Promise<string> {
  const birth = (await birthOf(pid)) ?? 'gone'
  return `${pid}.${birth.replaceAll(/[^0-9A-Za-z]+/g, '-')}`
}
