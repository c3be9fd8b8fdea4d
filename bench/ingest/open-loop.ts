import { setTimeout as sleep } from 'node:timers/promises'

/** What is sent over one connection, one after the other. Resolves with whether it was acknowledged, and if not, when to come again. */
export interface Line {
  send(number: number): Promise<SendOutcome>
  close(): void
}

export interface SendOutcome {
  readonly acknowledged: boolean
  readonly retryAfterSeconds?: number | undefined
}

export interface LoopPlan {
  /** Undefined for as many as are answered. */
  readonly perSecond: number | undefined
  readonly seconds: number
  /** Whether what was refused is sent again by the same line, as soon as the answer said; or else it is dropped. */
  readonly comesAgain: boolean
}

export interface LoopResult {
  readonly acknowledged: number
  readonly refused: number
  /** Of those that were acknowledged, from the moment at which they were to be sent, or to be sent again. */
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
  { perSecond, seconds, comesAgain }: LoopPlan,
  progress: (acknowledged: number) => void,
): Promise<LoopResult> {
  const start = performance.now()
  const end = start + seconds * 1000
  const latenciesMs: number[] = []
  const refusalsMs: number[] = []
  let [next, acknowledged, refused] = [0, 0, 0]
  const dueAt = (number: number): number =>
    perSecond === undefined ? performance.now() : start + (number * 1000) / perSecond
  const send = async (line: Line, number: number, firstDue: number): Promise<void> => {
    for (let due = firstDue; ;) {
      const sentAt = performance.now()
      const outcome = await line.send(number)
      if (outcome.acknowledged) {
        acknowledged += 1
        latenciesMs.push(performance.now() - due)
        return
      }
      refused += 1
      refusalsMs.push(performance.now() - sentAt)
      due = performance.now() + (outcome.retryAfterSeconds ?? 1) * 1000
      if (!comesAgain || due >= end) return
      await sleep(due - performance.now())
    }
  }
  const run = async (line: Line): Promise<void> => {
    for (;;) {
      const due = dueAt(next)
      if (due >= end || performance.now() >= end) return
      const number = next++
      const waitMs = due - performance.now()
      if (waitMs > 0) await sleep(waitMs)
      await send(line, number, due)
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
