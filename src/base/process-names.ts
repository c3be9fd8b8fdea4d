import { birthOf, isAlive } from './process-table.ts'

/** Stands for a birth that could not be read, as where no more files can be opened. */
const unknown = 'unknown'

/** Names a process by its id and birth, so that no later one of the same id is taken for it. Fit for the name of a file. */
export async function nameOfProcess(pid: number): Promise<string> {
  const birth = (await birthOf(pid)) ?? unknown
  return `${pid}.${birth.replaceAll(/[^0-9A-Za-z]+/g, '-')}`
}

/** Whether a process of this name can be told from a later one of the same id. */
export function isCertain(name: string): boolean {
  return !name.endsWith(`.${unknown}`)
}

/** Whether the process of this name still runs, and is no other: whoever means to end it asks this. */
export async function surelyLives(name: string): Promise<boolean> {
  return isCertain(name) && (await lives(name)) && (await nameOfProcess(Number.parseInt(name, 10))) === name
}

/** Whether the process of this name still runs. Where a birth is not known, whoever has the id is taken for it: the living are not robbed. */
export async function lives(name: string): Promise<boolean> {
  const [id, birth] = name.split('.')
  const pid = Number(id)
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isAlive(pid)) return false
  if (birth === unknown) return true
  const now = await nameOfProcess(pid)
  // It may have ended while it was looked at.
  return now === name || (now === `${pid}.${unknown}` && isAlive(pid))
}
