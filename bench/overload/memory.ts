import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { descendants } from '../../test/support/biwa.ts'
import { kindsBelow } from '../ingest/cpu.ts'

/** MiB by kind of process and in all: what is its own, and its share of what it has in common with others (Pss of proc(5)). */
export type Amounts = Readonly<Record<string, number>>

function memoryOf(supervisor: number): Amounts {
  const amounts: Record<string, number> = { 'in all': 0 }
  const kind = kindsBelow(supervisor)
  for (const { pid, command } of descendants(supervisor)) {
    const name = kind(pid, command)
    const amount = mebibytesOf(pid)
    amounts[name] = (amounts[name] ?? 0) + amount
    amounts['in all'] = (amounts['in all'] ?? 0) + amount
  }
  return amounts
}

/** What it was twice a second until the work was over. */
export async function memoryDuring(supervisor: number, work: Promise<unknown>): Promise<Amounts[]> {
  const looks = [memoryOf(supervisor)]
  let isOver = false
  void work.finally(() => (isOver = true)).catch(() => {})
  while (!isOver) {
    await sleep(500)
    looks.push(memoryOf(supervisor))
  }
  return looks
}

/** Of each kind by itself. */
export function most(looks: readonly Amounts[]): Amounts {
  const peaks: Record<string, number> = {}
  for (const look of looks) {
    for (const [kind, amount] of Object.entries(look)) peaks[kind] = Math.max(peaks[kind] ?? 0, Math.round(amount))
  }
  return peaks
}

function mebibytesOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    // It ended meanwhile.
    return 0
  }
}
