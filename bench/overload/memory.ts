import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { descendants } from '../../test/support/biwa.ts'
import { kindOf } from '../ingest/cpu.ts'

/** MiB by kind of process: what is its own, and its share of what it has in common with others (Pss of proc(5)). */
export function memoryOf(supervisor: number): Record<string, number> {
  const amounts: Record<string, number> = {}
  for (const { pid, command } of descendants(supervisor)) {
    const kind = kindOf(command)
    amounts[kind] = (amounts[kind] ?? 0) + mebibytesOf(pid)
  }
  return amounts
}

/** The most that each kind of process had until the work was over. */
export async function peaksDuring(supervisor: number, work: Promise<unknown>): Promise<Record<string, number>> {
  const peaks = memoryOf(supervisor)
  let isOver = false
  void work.finally(() => (isOver = true)).catch(() => {})
  while (!isOver) {
    await sleep(500)
    for (const [kind, amount] of Object.entries(memoryOf(supervisor))) peaks[kind] = Math.max(peaks[kind] ?? 0, amount)
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
