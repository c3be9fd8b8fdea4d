import { readFileSync } from 'node:fs'

import { niceness } from '../../src/server/process-order.ts'
import { descendants } from '../../test/support/biwa.ts'

/** What the processes of a server and a loader took of the processors up to a moment, in seconds. */
export interface ProcessorTimes {
  readonly living: ReadonlyMap<number, ProcessTime>
  /** Of all that ended before, as those tell who started them. */
  readonly endedSeconds: number
}

interface ProcessTime {
  readonly kind: string
  readonly seconds: number
}

/** Of a supervisor and all below it, and of the process that loads it. */
export function processorTimes(supervisor: number, loader: number): ProcessorTimes {
  const living = new Map<number, ProcessTime>()
  let endedSeconds = 0
  const kind = kindsBelow(supervisor)
  const processes = descendants(supervisor).map(({ pid, command }) => ({ pid, kind: kind(pid, command) }))
  for (const { pid, kind } of [...processes, { pid: loader, kind: 'loader' }]) {
    const times = timesOf(pid)
    if (times === undefined) continue
    const isPostgres = kind === 'postgres'
    // A connection's process comes and goes with it, and is PostgreSQL's own affair.
    living.set(pid, { kind, seconds: times.own + (isPostgres ? times.ended : 0) })
    if (!isPostgres) endedSeconds += times.ended
  }
  return { living, endedSeconds }
}

/** What engine processes are for shows in how far they stand back. */
const enginesByNiceness: Readonly<Record<number, string>> = {
  [niceness.queries]: 'queries',
  [niceness.imports]: 'conversions',
  [niceness.merges]: 'merges',
}

/** Which part of a server its processes are, by their command lines and by how far they stand back behind its supervisor. */
export function kindsBelow(supervisor: number): (pid: number, command: string) => string {
  const ownNiceness = timesOf(supervisor)?.niceness ?? 0
  return (pid, command) => {
    const kind = kindOf(command)
    if (kind !== 'engines') return kind
    return enginesByNiceness[(timesOf(pid)?.niceness ?? 0) - ownNiceness] ?? kind
  }
}

/** By its command line alone. */
export function kindOf(command: string): string {
  if (command.startsWith('postgres') || command.includes('/postgres ')) return 'postgres'
  const role = /roles\/(\w+)\.(?:js|ts)/.exec(command)?.[1]
  if (role !== undefined) return role
  return command.includes('/engine.') ? 'engines' : 'other'
}

/** Ticks of a hundredth of a second (Linux, proc(5)), user and system together. */
function timesOf(pid: number): { own: number; ended: number; niceness: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const seconds = (at: number): number => (Number(fields[at]) + Number(fields[at + 1])) / 100
    return { own: seconds(11), ended: seconds(13), niceness: Number(fields[16]) }
  } catch {
    return undefined
  }
}

/** What was spent between two looks, by kind of process; `ended` is what those spent that are there no more. */
export function spentBetween(before: ProcessorTimes, after: ProcessorTimes): Record<string, number> {
  const spent: Record<string, number> = {}
  for (const [pid, { kind, seconds }] of after.living) {
    spent[kind] = (spent[kind] ?? 0) + seconds - (before.living.get(pid)?.seconds ?? 0)
  }
  let ended = after.endedSeconds - before.endedSeconds
  for (const [pid, { kind, seconds }] of before.living) {
    if (!after.living.has(pid) && kind !== 'postgres') ended -= seconds
  }
  return { ...spent, ended: Math.max(ended, 0) }
}
