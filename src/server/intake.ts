import { takeLock } from '../base/lock-files.ts'
import { systemDisk } from '../base/disk.ts'
import type { Collect } from '../collect/collect.ts'
import { openDirectoryInbox } from '../collect/inbox/directory-inbox.ts'
import { openCollect } from '../collect/open-collect.ts'
import type { Platform } from './platform.ts'

/** The intake of this machine, over an inbox on its disk. */
export function openIntake(platform: Platform): Collect {
  const { settings, paths, clock } = platform
  const inbox = openDirectoryInbox({ ...platform, directory: paths.inbox, hold: (directory) => hold(directory, clock) })
  return openCollect({
    ...platform,
    inbox,
    inboxDirectory: paths.inbox,
    inflightBytesMax: settings.inflightBytes,
    backlogBytesMax: settings.backlogBytes,
  })
}

/** Waits for the api process before this one to be gone: two of them never write to one directory. */
async function hold(directory: string, clock: Platform['clock']): Promise<{ release(): Promise<void> }> {
  await systemDisk.makeDirectory(directory)
  for (;;) {
    const lock = await takeLock(directory, 'inbox')
    if ('release' in lock) return lock
    await clock.sleep(50)
  }
}
