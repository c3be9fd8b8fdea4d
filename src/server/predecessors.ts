import { join } from 'node:path'

import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { AppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { isCertain, nameOfProcess, surelyLives } from '../base/process-names.ts'

/**
 * Where the processes of a server are noted, each in a file that is named for its role and itself. Should its supervisor be killed, it serves on
 * for a while, and the supervisor that is started next finds it by its note and puts its own in its place.
 */
export interface RoleNotes {
  readonly disk: Disk
  /** A directory of the data directory, so that nobody takes over what works on other data. */
  readonly directory: string
  readonly log: Logger
}

/** How long one that was killed may take to be gone: it may have to wait for a disk. */
const goneMsMax = 10_000
const lookAgainMs = 5

/** Notes that this process does the work of the role. False where that cannot be done: then nobody would find it. */
export async function noteRole({ disk, directory, log }: RoleNotes, role: string): Promise<boolean> {
  try {
    const name = await nameOfProcess(process.pid)
    await disk.makeDirectory(directory)
    const file = await disk.open(join(directory, `${role}@${name}`), 'create')
    await file.close()
    return isCertain(name)
  } catch (error) {
    log.warn({ err: error }, 'this process could not note its role; should its supervisor be killed, it ends at once')
    return false
  }
}

/**
 * The processes that a killed supervisor left, by their roles: each by its id and birth (`base/process-names.ts`). The caller holds the lock of the data
 * directory, so nobody else takes them over. Forgets those that are gone.
 */
export async function findPredecessors({ disk, directory, log }: RoleNotes): Promise<ReadonlyMap<string, string[]>> {
  const found = new Map<string, string[]>()
  try {
    for (const note of await disk.list(directory)) {
      const [role = '', name = ''] = note.split('@')
      if (await surelyLives(name)) found.set(role, [...(found.get(role) ?? []), name])
      // It will be looked at again.
      else await disk.remove(join(directory, note)).catch(() => {})
    }
  } catch (error) {
    log.warn({ err: error }, 'the notes of the server before cannot be read; what is left of it ends by itself')
  }
  return found
}

/**
 * Kills them, and resolves when they are gone: whatever they acknowledged is on the disk, and whatever they had in hand is begun again. Fails
 * with `startup` where one does not go.
 */
export async function endPredecessors(names: readonly string[], clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + goneMsMax
  for (const name of names) {
    while (await surelyLives(name)) {
      if (clock.monotonicMs() > deadline) throw doesNotEnd(name)
      send('SIGKILL', name)
      await clock.sleep(lookAgainMs)
    }
  }
}

/** Has them finish what they have in hand, within what is left of their time, and take nothing more. */
export async function drainPredecessors(names: readonly string[]): Promise<void> {
  for (const name of names) if (await surelyLives(name)) send('SIGTERM', name)
}

function send(signal: NodeJS.Signals, name: string): void {
  try {
    process.kill(Number.parseInt(name, 10), signal)
  } catch {
    // It ended by itself, or is not ours: whoever waits for it sees that.
  }
}

function doesNotEnd(name: string): AppError {
  return new AppError(
    'startup',
    `The process ${Number.parseInt(name, 10)}, which an earlier Biwa left, does not end.`,
    {
      hint: 'It waits for a disk that does not answer, or belongs to another user. Biwa can start when it is gone.',
    },
  )
}
