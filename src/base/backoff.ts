/** How long to wait before a restart after so many failures in a row: 250 ms, doubling, at most 10 s. */
export function backoffMs(failures: number): number {
  return Math.min(10_000, 250 * 2 ** Math.min(failures - 1, 20))
}

const betweenStartsMs = 1000

/**
 * How long to wait before a process is started again that ran for `ranMs`, after so many starts in a row that did not make it ready.
 * One that was ready is needed: it comes back at once, though not more often than each second, or a bug in its first request would
 * keep a processor busy with starts. One that never became ready will likely fail again, and waits ever longer.
 */
export function restartMs(failedStarts: number, ranMs: number): number {
  return failedStarts === 0 ? Math.max(0, betweenStartsMs - ranMs) : backoffMs(failedStarts)
}
