import type { Clock } from '../../base/clock.ts'

/** A clock that stands until it is moved on, and then does what is due, in order. */
export class ManualClock implements Clock {
  #ms = 0
  #tasks: { readonly atMs: number; run(): void }[] = []

  nowMs = (): number => this.#ms
  nowUs = (): number => this.#ms * 1000
  monotonicMs = (): number => this.#ms

  schedule(ms: number, run: () => void): () => void {
    const task = { atMs: this.#ms + ms, run }
    this.#tasks.push(task)
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== task)
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve))
  }

  advance(ms: number): void {
    const endMs = this.#ms + ms
    while (true) {
      const [next] = this.#tasks.toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined || next.atMs > endMs) break
      this.#tasks = this.#tasks.filter((other) => other !== next)
      this.#ms = next.atMs
      next.run()
    }
    this.#ms = endMs
  }
}
