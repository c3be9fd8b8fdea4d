import { expect } from 'vitest'

/** Resolves when the count has grown: what is killed then is something that works. */
export async function untilMore(count: () => number): Promise<void> {
  const before = count()
  await expect.poll(count, { interval: 20 }).toBeGreaterThan(before)
}
