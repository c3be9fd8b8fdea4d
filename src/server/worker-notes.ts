import { join } from 'node:path'

import { errno } from '../base/disk.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/log.ts'
import { lives, nameOfProcess } from '../base/process-names.ts'
import type { GoneWorkers } from '../jobs/job-runner.ts'

/** What workers note of themselves: the name under which they hold their leases. */
const workerName = /^[\x20-\x7e]{1,200}$/

/**
 * Workers note in the data directory who they are, each in a file that is named for its process: whoever starts there later sees which of
 * them are gone, however they ended. Nothing depends on a note: where it cannot be written or read, the leases of a worker run out.
 */
export async function noteWorker(disk: Disk, directory: string, worker: string, log: Logger): Promise<void> {
  try {
    await disk.makeDirectory(directory)
    const file = await disk.open(join(directory, await nameOfProcess(process.pid)), 'create')
    await file.write(Buffer.from(worker), 0).finally(() => file.close())
  } catch (error) {
    log.warn(
      { err: error },
      'this worker could not note who it is; should it be killed, its jobs wait for their leases',
    )
  }
}

/** The workers that noted themselves here and whose processes are gone. */
export async function findGoneWorkers(disk: Disk, directory: string, log: Logger): Promise<GoneWorkers> {
  const notes: { readonly path: string; readonly worker: string }[] = []
  try {
    for (const name of await disk.list(directory)) {
      const path = join(directory, name)
      if (!(await lives(name))) notes.push({ path, worker: await textIn(disk, path) })
    }
  } catch (error) {
    log.warn({ err: error }, 'the notes of workers that are gone cannot be read; their jobs wait for their leases')
  }
  return {
    // A note that was not on the disk yet when the power went is empty, or zeros.
    names: notes.map(({ worker }) => worker).filter((worker) => workerName.test(worker)),
    async forget() {
      for (const { path } of notes) await disk.remove(path)
    },
  }
}

/** Empty where another worker has forgotten it meanwhile. */
async function textIn(disk: Disk, path: string): Promise<string> {
  try {
    const file = await disk.open(path, 'read')
    return await file
      .size()
      .then((size) => file.read(0, size))
      .then(String)
      .finally(() => file.close())
  } catch (error) {
    if (errno(error) === 'ENOENT') return ''
    throw error
  }
}
