import type { Clock } from '../../base/clock.ts'
import { AppError } from '../../base/errors.ts'
import type { HeldLock } from '../../base/lock-files.ts'
import { takeLock } from '../../base/lock-files.ts'

const triesMax = 100
const retryMs = 100

/**
 * Waits until this process alone may write to the directory of an inbox. A process that was killed holds it no more, and one
 * whose supervisor was killed was ended for this one, or ends within seconds. Fails with `startup`.
 */
export async function holdDirectory(directory: string, clock: Clock): Promise<HeldLock> {
  for (let tries = 1; ; tries += 1) {
    const lock = await takeLock(directory, 'inbox')
    if ('release' in lock) return lock
    if (tries === triesMax) {
      throw new AppError('startup', `The inbox ${directory} is in use by process ${lock.heldBy}.`, {
        hint: 'Only one api process may write to an inbox: stop the other one first.',
      })
    }
    await clock.sleep(retryMs)
  }
}
