import type { SingleBar } from 'cli-progress'

import type { Clock } from '../base/clock.ts'
import { visible } from './output/visible.ts'
import type { Terminal } from './terminal.ts'

/** How far the work is. With `fraction`, from 0 to 1, a terminal shows a bar. */
export interface ProgressState {
  readonly text: string
  readonly fraction?: number | undefined
}

/** Redraws per second on a terminal. */
const framesPerSecond = 10
/** Characters between the brackets of the bar. */
const barWidth = 24
/** What is over sooner needs no progress. */
const quietMs = 300
/** Without a terminal: a plain line, for logs. */
const plainEveryMs = 5_000

/**
 * Shows on standard error how the work goes on: one line that changes on a terminal, else a line now and then. `state`
 * is asked whenever something is drawn. What it shows is gone when the work is done, but for the plain lines.
 */
export class Progress {
  readonly #terminal: Terminal
  readonly #state: () => ProgressState
  #bar: SingleBar | undefined
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(terminal: Terminal, state: () => ProgressState) {
    this.#terminal = terminal
    this.#state = state
  }

  start(): void {
    const { clock, stderr } = this.#terminal
    if (stderr.isTTY === true) this.#cancel = clock.schedule(quietMs, () => void this.#startBar())
    else this.#every(plainEveryMs, () => stderr.write(`${visible(this.#state().text)}\n`))
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
    this.#bar?.stop()
  }

  /** Shows a line above what moves. */
  tell(line: string): void {
    if (this.#bar !== undefined) this.#terminal.stderr.write('\r\u001b[K')
    this.#terminal.stderr.write(`${line}\n`)
  }

  async #startBar(): Promise<void> {
    const { SingleBar } = (await import('cli-progress')).default
    if (this.#stopped) return
    const bar = new SingleBar({
      stream: this.#terminal.stderr,
      fps: framesPerSecond,
      clearOnComplete: true,
      hideCursor: true,
      forceRedraw: true,
      // The format below decides what is drawn; Ctrl-C is ours.
      gracefulExit: false,
      format: () => this.#line(),
    })
    this.#bar = bar
    bar.start(1000, 0)
    this.#every(1000 / framesPerSecond, () => bar.update(Math.floor((this.#state().fraction ?? 0) * 1000)))
  }

  #line(): string {
    const { text, fraction } = this.#state()
    if (fraction === undefined) return visible(text)
    const part = Math.min(1, fraction)
    const full = Math.round(part * barWidth)
    return `[${'='.repeat(full)}${' '.repeat(barWidth - full)}] ${Math.floor(part * 100)} % | ${visible(text)}`
  }

  #every(ms: number, task: () => void): void {
    const again = (): void => {
      this.#cancel = this.#terminal.clock.schedule(ms, () => {
        task()
        if (!this.#stopped) again()
      })
    }
    again()
  }
}

/** Seconds since it was made. */
export function stopwatch(clock: Clock): () => number {
  const start = clock.monotonicMs()
  return () => (clock.monotonicMs() - start) / 1000
}
