import { drainMicrotasks } from './drain-microtasks.ts'

/** What an event is to the process that it belongs to: a request goes on its way, whatever becomes of who sent it. */
export type EventKind = 'request' | 'own'

interface TimedEvent {
  atMs: number
  readonly order: number
  readonly life: Life | undefined
  readonly kind: EventKind
  /** The call that it belongs to, for those who look on. */
  readonly call: string | undefined
  run: (() => void) | undefined
}

/** The life of one process. What is dead hears nothing any more: its promises stay open for ever. */
export class Life {
  readonly name: string
  alive = true
  /** Until then it is frozen, as by SIGSTOP. */
  frozenUntilMs = 0
  readonly #endings: (() => void)[] = []

  constructor(name: string) {
    this.name = name
  }

  onEnd(call: () => void): void {
    this.#endings.push(call)
  }

  end(): void {
    this.alive = false
    for (const call of this.#endings.splice(0)) call()
  }
}

/** All that will happen, in the order of its time: one event after the other, each with everything that follows from it. */
export class Timeline {
  nowMs: number
  steps = 0
  readonly #heap: TimedEvent[] = []
  #order = 0

  constructor(startMs: number) {
    this.nowMs = startMs
  }

  /** Calls `run` after a while, unless the returned function was called before, or the process has died. */
  after(delayMs: number, life: Life | undefined, run: () => void, kind: EventKind = 'own', call?: string): () => void {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, life, kind, call, run }
    this.#push(event)
    return () => {
      event.run = noEffect
    }
  }

  /** Resolves after a while; never, where the process dies before. */
  turn(delayMs: number, life: Life, call?: string): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, life, resolve, 'own', call))
  }

  /** The calls that are under way: those of one process, or of all. */
  *callsUnderWay(life?: Life): Iterable<string> {
    for (const event of this.#heap) {
      const isOf = life === undefined ? event.life?.alive === true : event.life === life
      if (isOf && event.call !== undefined && event.run !== undefined && event.run !== noEffect) yield event.call
    }
  }

  /** Passes so much time in which nothing happens, as when the machine sleeps. */
  leap(ms: number): void {
    this.nowMs += ms
  }

  /** Nothing will happen any more. */
  clear(): void {
    for (const event of this.#heap.splice(0)) event.run = undefined
  }

  /** Makes the next event happen. False where there is none. */
  step(): boolean {
    for (;;) {
      const event = this.#pop()
      if (event === undefined) return false
      const { life, kind, run } = event
      if (run === undefined || run === noEffect) continue
      if (life !== undefined && kind === 'own') {
        if (!life.alive) continue
        if (life.frozenUntilMs > Math.max(event.atMs, this.nowMs)) {
          event.atMs = life.frozenUntilMs
          this.#push(event)
          continue
        }
      }
      this.nowMs = Math.max(this.nowMs, event.atMs)
      this.steps += 1
      run()
      drainMicrotasks()
      return true
    }
  }

  /** Ends a process. Of what it had asked of others, `mayArrive` says what they still get to see. */
  kill(life: Life, mayArrive: () => boolean): void {
    for (const event of this.#heap) {
      if (event.life === life && (event.kind === 'own' || !mayArrive())) event.run = undefined
    }
    life.end()
  }

  #push(event: TimedEvent): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above] as TimedEvent
      if (!isBefore(event, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = event
  }

  #pop(): TimedEvent | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1] as TimedEvent, heap[below] as TimedEvent)) below += 1
      if (!isBefore(heap[below] as TimedEvent, last)) break
      heap[at] = heap[below] as TimedEvent
      at = below
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: TimedEvent, b: TimedEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function noEffect(): void {}
