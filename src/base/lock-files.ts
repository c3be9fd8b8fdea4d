import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { lives, nameOfProcess } from './process-names.ts'

export interface HeldLock {
  release(): Promise<void>
}

/**
 * Takes the lock `name` in a directory, or answers with the id of the process that holds it. Each process that wants it
 * writes a claim of its own, named for its id and birth, and then looks at the claims of the others: those of dead
 * processes are removed, so that a `kill -9` needs no cleaning up, and a live one wins. Two that come in the same
 * moment may both lose, but never both win, as they would if the one removed a stale lock that the other just replaced.
 */
export async function takeLock(directory: string, name: string): Promise<HeldLock | { readonly heldBy: number }> {
  const prefix = `${name}.lock.`
  const own = prefix + (await nameOfProcess(process.pid))
  const release = (): Promise<void> => rm(join(directory, own), { force: true })
  await writeFile(join(directory, own), '', { mode: 0o600 })
  for (const file of await readdir(directory)) {
    if (!file.startsWith(prefix) || file === own) continue
    const holder = file.slice(prefix.length)
    if (await lives(holder)) {
      await release()
      return { heldBy: Number.parseInt(holder, 10) }
    }
    await rm(join(directory, file), { force: true })
  }
  return { release }
}
