import { birthOf, isAlive } from '../base/process-table.ts'

/** Names a process by its id and birth, so that no later one of the same id is taken for it. Fit for the name of a file. */
export async function nameOfProcess(pid: number): Promise<string> {
  const birth = (await birthOf(pid)) ?? 'gone'
  return `${pid}.${birth.replaceAll(/[^0-9A-Za-z]+/g, '-')}`
}

/** Whether the process of this name still runs. */
export async function lives(name: string): Promise<boolean> {
  const pid = Number(name.split('.')[0])
  return Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) && (await nameOfProcess(pid)) === name
}
