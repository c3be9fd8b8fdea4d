import { getPriority, setPriority } from 'node:os'

/**
 * Has a process stand back behind this one by so much niceness, where both want the same core. Asked of the system as soon as the process is
 * there: what it does until it is ready is a good part of what it ever does.
 */
export function standBack(pid: number | undefined, niceness: number): void {
  if (pid === undefined || niceness === 0) return
  try {
    setPriority(pid, Math.min(getPriority() + niceness, nicenessMax))
  } catch {
    // It has ended, or the system does not let it: then it runs as all others do.
  }
}

const nicenessMax = 19
