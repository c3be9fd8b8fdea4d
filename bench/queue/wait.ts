import { setTimeout as sleep } from 'node:timers/promises'

/** Asks every 2 ms. */
export async function untilTrue(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(2)
}
