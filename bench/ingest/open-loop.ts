import { setTimeout as sleep } from 'node:timers/promises'

/** What is sent over one connection, one after the other. Resolves with whether it was acknowledged. */
export interface Line {
  send(number: number): Promise<boolean>
  close(): void
}

export interface LoopResult {
  readonly acknowledged: number
  readonly refused: number
  /** Of those that were acknowledged, from the moment at which they were to be sent. */
  readonly latenciesMs: readonly number[]
  /** Of those that were refused, from the moment at which they were sent. */
  readonly refusalsMs: readonly number[]
}

/**
 * Sends so many in a second, whether the ones before were answered or not, as far as there are lines: one that has to wait
 * for a line was late from the moment that was meant for it. Without a rate, each line sends as fast as it is answered.
 */
export async function openLoop(
  lines: readonly Line[],
  perSecond: number | undefined,
  seconds: number,
  progress: (acknowledged: number) => void,
): Promise<LoopResult> {
  const start = performance.now()
  const end = start + seconds * 1000
  const latenciesMs: number[] = []
  const refusalsMs: number[] = []
  let [next, acknowledged, refused] = [0, 0, 0]
  const dueAt = (number: number): number =>
    perSecond === undefined ? performance.now() : start + (number * 1000) / perSecond
  const run = async (line: Line): Promise<void> => {
    for (;;) {
      const due = dueAt(next)
      if (due >= end || performance.now() >= end) return
      const number = next++
      const waitMs = due - performance.now()
      if (waitMs > 0) await sleep(waitMs)
      const sentAt = performance.now()
      if (await line.send(number)) {
        acknowledged += 1
        latenciesMs.push(performance.now() - due)
      } else {
        refused += 1
        refusalsMs.push(performance.now() - sentAt)
      }
    }
  }
  const timer = setInterval(() => progress(acknowledged), 250)
  try {
    await Promise.all(lines.map(run))
  } finally {
    clearInterval(timer)
    progress(acknowledged)
  }
  return { acknowledged, refused, latenciesMs, refusalsMs }
}
