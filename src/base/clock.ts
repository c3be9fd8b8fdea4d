/**
 * Time as an argument. The core never calls `Date.now` or `setTimeout` itself, so that a simulation can run the whole
 * commit path on a clock of its own.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  /** Microseconds since the Unix epoch, as precise as the platform allows. */
  nowUs(): number
  /** Milliseconds from an arbitrary origin that never jumps: for durations only. */
  monotonicMs(): number
  /** Resolves after `ms`, or early, without an error, when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `task` once after `ms`; the returned function cancels it. */
  schedule(ms: number, task: () => void): () => void
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nowUs: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
  monotonicMs: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done)
    })
  },
  schedule(ms, task) {
    const timer = setTimeout(task, ms)
    return () => clearTimeout(timer)
  },
}
