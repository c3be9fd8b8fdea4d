import { Readable, Writable } from 'node:stream'

import type { Clock } from '../../base/clock.ts'
import type { Randomness } from '../../base/randomness.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Terminal } from '../terminal.ts'

export interface FakeTerminal extends Terminal {
  /** What was written so far. */
  output(): string
  errors(): string
  /** Presses Ctrl-C. */
  interrupt(): void
  readonly clock: FakeClock
}

export interface FakeTerminalOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  readonly workingDirectory?: string
  /** Whether a person sits at it. */
  readonly interactive?: boolean
  readonly columns?: number
  readonly randomness?: Randomness
}

export function fakeTerminal(options: FakeTerminalOptions = {}): FakeTerminal {
  const { interactive = false, columns = 80, workingDirectory = '/nowhere' } = options
  const stdout = new Captured(interactive, columns)
  const stderr = new Captured(interactive, columns)
  const stdin = Object.assign(Readable.from([Buffer.from(options.input ?? '')]), { isTTY: interactive })
  const handlers = new Set<() => void>()
  return {
    stdin,
    stdout,
    stderr,
    environment: { NO_COLOR: '1', ...options.environment },
    workingDirectory,
    homeDirectory: workingDirectory,
    clock: new FakeClock(),
    randomness: options.randomness ?? systemRandomness,
    onInterrupt(handler) {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
    output: () => stdout.text,
    errors: () => stderr.text,
    interrupt: () => handlers.forEach((handler) => handler()),
  }
}

class Captured extends Writable {
  text = ''
  readonly isTTY: boolean
  readonly columns: number

  constructor(isTTY: boolean, columns: number) {
    super()
    this.isTTY = isTTY
    this.columns = columns
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** Time that passes only when somebody sleeps, and then at once. */
export class FakeClock implements Clock {
  /** The lengths of all sleeps. */
  readonly sleeps: number[] = []
  #ms = Date.UTC(2026, 10, 21)

  nowMs = (): number => this.#ms
  nowUs = (): number => this.#ms * 1000
  monotonicMs = (): number => this.#ms

  async sleep(ms: number): Promise<void> {
    this.sleeps.push(ms)
    this.#ms += ms
    await new Promise((resolve) => setImmediate(resolve))
  }

  schedule(ms: number, task: () => void): () => void {
    const timer = setTimeout(task, ms)
    return () => clearTimeout(timer)
  }
}
