import type { Clock } from '../../src/base/clock.ts'
import type { Life, Timeline } from './timeline.ts'

/** The clock of a process: that of the world, off by `skewMs`. */
export function simulatedClock(timeline: Timeline, life: Life, skewMs = 0): Clock {
  const nowMs = (): number => Math.floor(timeline.nowMs + skewMs)
  return {
    nowMs,
    nowUs: () => Math.floor((timeline.nowMs + skewMs) * 1000),
    monotonicMs: () => timeline.nowMs,
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const done = (): void => {
          cancel()
          signal?.removeEventListener('abort', done)
          resolve()
        }
        const cancel = timeline.after(ms, life, done)
        signal?.addEventListener('abort', done)
      })
    },
    schedule: (ms, task) => timeline.after(ms, life, task),
  }
}
