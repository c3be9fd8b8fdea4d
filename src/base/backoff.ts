/** How long to wait before a restart after so many failures in a row: 250 ms, doubling, at most 10 s. */
export function backoffMs(failures: number): number {
  return Math.min(10_000, 250 * 2 ** Math.min(failures - 1, 20))
}

/** What has run for so long counts as healthy: the next failure is the first one again. */
export const healthyAfterMs = 30_000
