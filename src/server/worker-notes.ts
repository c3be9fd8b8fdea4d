import { join } from 'node:path'

import type { Disk } from '../base/disk.ts'
import type { GoneWorkers } from '../jobs/job-runner.ts'
import { lives, nameOfProcess } from './process-names.ts'

/**
 * Workers note in the data directory who they are, each in a file that is named for its process: whoever starts there later sees which of
 * them are gone, however they ended. Nothing depends on a note; without it, the leases of a worker run out.
 */
export async function noteWorker(disk: Disk, directory: string, worker: string): Promise<void> {
  await disk.makeDirectory(directory)
  const file = await disk.open(join(directory, await nameOfProcess(process.pid)), 'create')
  try {
    await file.write(Buffer.from(worker), 0)
  } finally {
    await file.close()
  }
}

/** The workers that noted themselves here and whose processes are gone. */
export async function findGoneWorkers(disk: Disk, directory: string): Promise<GoneWorkers> {
  const notes: string[] = []
  for (const name of await disk.list(directory)) if (!(await lives(name))) notes.push(join(directory, name))
  return {
    names: await Promise.all(notes.map((path) => textIn(disk, path))),
    async forget() {
      for (const path of notes) await disk.remove(path)
    },
  }
}

async function textIn(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read')
  try {
    return (await file.read(0, await file.size())).toString()
  } finally {
    await file.close()
  }
}
