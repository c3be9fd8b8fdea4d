import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { birthOf, isAlive } from './process-table.ts'

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
  const own = await claimName(name, process.pid)
  const release = (): Promise<void> => rm(join(directory, own), { force: true })
  await writeFile(join(directory, own), '', { mode: 0o600 })
  for (const file of await readdir(directory)) {
    if (!file.startsWith(`${name}.lock.`) || file === own) continue
    const pid = Number(file.slice(`${name}.lock.`.length).split('.')[0])
    if (isAlive(pid) && (await claimName(name, pid)) === file) {
      await release()
      return { heldBy: pid }
    }
    await rm(join(directory, file), { force: true })
  }
  return { release }
}

async function claimName(name: string, pid: number): Promise<string> {
  const birth = (await birthOf(pid)) ?? 'gone'
  return `${name}.lock.${pid}.${birth.replaceAll(/[^0-9A-Za-z]+/g, '-')}`
}
