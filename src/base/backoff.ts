/** How long to wait before a restart after so many failures in a row: 250 ms, doubling, at most 10 s. */
export function backoffMs(failures: number): number {
  return Math.min(10_000, 250 * 2 ** Math.min(failures - 1, 20))
}

/** What has run for so long counts as healthy: the next failure is the first one again. */
export const healthyAfterMs = 30_000

const readyAgainMsMax = 1000

/**
 * How long to wait before a process is started again. One that never became ready will likely fail again, and waits ever longer; one that
 * was ready is needed, and whoever kills it again and again is not to keep it away by that.
 */
export function restartMs(failures: number, wasReady: boolean): number {
  return wasReady ? Math.min(backoffMs(failures), readyAgainMsMax) : backoffMs(failures)
}
