type Listener = (event: { readonly type: 'abort'; readonly target: SimulatedSignal }) => void

/** By it Node.js knows whose listeners it may count. */
const eventTarget: unique symbol = Symbol.for('nodejs.event_target')

/**
 * A signal of the platform, as far as the commit path uses one. Those of Node.js are whole event targets: to make them, to listen
 * to them and to abort them took a fourteenth of a world. What is not known here breaks the world.
 */
class SimulatedSignal {
  static readonly [eventTarget] = true
  aborted = false
  reason: unknown
  #listeners: Set<Listener> | undefined

  addEventListener(type: string, listener: Listener): void {
    if (type !== 'abort') throw new Error(`the simulated signal does not know the event ${type}`)
    // A signal aborts once: whether somebody listens for one time or for all is the same.
    if (!this.aborted) (this.#listeners ??= new Set()).add(listener)
  }

  removeEventListener(_type: string, listener: Listener): void {
    this.#listeners?.delete(listener)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  /** For its controller alone. Who is taken off by an earlier listener is not called any more. */
  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason ?? new DOMException('This operation was aborted', 'AbortError')
    for (const listener of this.#listeners ?? []) listener({ type: 'abort', target: this })
    this.#listeners = undefined
  }
}

class SimulatedController {
  #signal: SimulatedSignal | undefined

  get signal(): SimulatedSignal {
    return (this.#signal ??= new SimulatedSignal())
  }

  abort(reason?: unknown): void {
    this.signal.abort(reason)
  }
}

/** Runs the body, in which whoever makes a controller gets a simulated one. */
export function withSimulatedSignals<T>(body: () => T): T {
  const { AbortController } = globalThis
  globalThis.AbortController = SimulatedController as unknown as typeof AbortController
  try {
    return body()
  } finally {
    globalThis.AbortController = AbortController
  }
}
