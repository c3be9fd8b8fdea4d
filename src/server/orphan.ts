import type { Logger } from '../base/log.ts'
import { orphanSeconds } from '../base/orphan-watch.ts'
import type { Service } from '../base/service.ts'
import { drainServices, stopServices } from './life-cycle.ts'

/** How often a process looks for its supervisor by itself. */
const orphanLookMs = 200

/** How long an orphan that is asked to make room has for what it has in hand. The rest it gives back. */
const drainMsMax = 2000

/**
 * What becomes of a process whose supervisor is gone, which shows as the end of the channel to it. Where that died before it had acknowledged a
 * socket, Node knows that the channel has ended and never says so: then the process finds out by itself.
 */
export class Orphan {
  readonly #log: Logger
  #services: readonly Service[] | undefined
  #isOne = false
  #end: NodeJS.Timeout | undefined

  constructor(log: Logger) {
    this.#log = log
    process.on('disconnect', () => this.#look())
    process.on('SIGTERM', () => void this.#makeRoom())
    setInterval(() => this.#look(), orphanLookMs).unref()
    this.#look()
  }

  /** Who started and is noted need not end at once. */
  servesOn(services: readonly Service[]): void {
    this.#services = services
  }

  #look(): void {
    if (process.connected || this.#isOne) return
    if (this.#services === undefined) process.exit(1)
    this.#isOne = true
    this.#log.warn({ seconds: orphanSeconds }, 'the supervisor is gone; serving on until there is another one')
    this.#endLater()
  }

  #endLater(): void {
    clearTimeout(this.#end)
    this.#end = setTimeout(() => process.exit(1), orphanSeconds * 1000)
  }

  /**
   * The next supervisor asks for it when its own process is ready, and a service manager that ends what a dead one left. As long as
   * the supervisor lives, the signal is for that alone.
   */
  async #makeRoom(): Promise<void> {
    this.#look()
    if (!this.#isOne) return
    // To end in the middle of what follows would leave what is in hand to its leases. It has the same time anew, unless
    // its PostgreSQL is ours: that one's guard counts from the end of the supervisor.
    this.#endLater()
    const services = this.#services ?? []
    const late = new Promise<void>((resolve) => void setTimeout(resolve, drainMsMax))
    await Promise.race([drainServices(services, this.#log), late])
    await stopServices(services, this.#log)
    process.exit(0)
  }
}
