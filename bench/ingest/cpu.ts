import { readFileSync } from 'node:fs'

import { descendants } from '../../test/support/biwa.ts'

/** CPU seconds by kind of process, of a supervisor and all below it, with what their children that ended took. */
export function cpuSeconds(supervisor: number, loader: number): Record<string, number> {
  const seconds: Record<string, number> = { loader: secondsOf(loader) }
  for (const { pid, command } of descendants(supervisor)) {
    const kind = kindOf(command)
    seconds[kind] = (seconds[kind] ?? 0) + secondsOf(pid)
  }
  return seconds
}

/** Which part of the server a process is, by its command line. */
export function kindOf(command: string): string {
  if (command.startsWith('postgres') || command.includes('/postgres ')) return 'postgres'
  const role = /roles\/(\w+)\.(?:js|ts)/.exec(command)?.[1]
  if (role !== undefined) return role
  return command.includes('/engine.') ? 'engines' : 'other'
}

/** Ticks of a hundredth of a second (Linux, proc(5)): own and of children that ended, user and system. */
function secondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100
  } catch {
    return 0
  }
}

/** What was spent between two looks. A process that ended meanwhile counts where its parent does. */
export function spentBetween(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([kind, seconds]) => [kind, seconds - (before[kind] ?? 0)]))
}
