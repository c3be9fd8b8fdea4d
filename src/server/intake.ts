import type { Collect } from '../collect/collect.ts'
import { openDirectoryInbox } from '../collect/inbox/directory-inbox.ts'
import { openObjectInbox } from '../collect/inbox/object-inbox.ts'
import { segmentBytesDefault } from '../collect/limits.ts'
import { openCollect } from '../collect/open-collect.ts'
import type { Platform } from './platform.ts'

/**
 * The intake, over the inbox that fits the object store: a directory store means one machine, whose disk is good enough for
 * acknowledged bodies; with S3 there may be many machines, of which each one may vanish with its disk.
 */
export function openIntake(platform: Platform): Collect {
  const { settings, paths } = platform
  const inbox = settings.objectStore.startsWith('s3://')
    ? openObjectInbox(platform)
    : openDirectoryInbox({ ...platform, directory: paths.inbox, segmentBytes: segmentBytesOf(settings.backlogBytes) })
  return openCollect({
    ...platform,
    inbox,
    inboxDirectory: paths.inbox,
    inflightBytesMax: settings.inflightBytes,
    backlogBytesMax: settings.backlogBytes,
    backlogSecondsMax: settings.backlogSeconds,
  })
}

/** A segment is held until all of it was dealt with, so a small backlog needs small ones: else a single one would fill it. */
function segmentBytesOf(backlogBytes: number): number {
  return Math.min(segmentBytesDefault, Math.max(segmentBytesMin, Math.floor(backlogBytes / 8 / pageBytes) * pageBytes))
}

const segmentBytesMin = 2 ** 20
const pageBytes = 4096
