import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'

import type { Clock } from '../base/clock.ts'
import type { Randomness } from '../base/randomness.ts'

export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number }
export type Input = Readable & { readonly isTTY?: boolean }

/** Everything around the command: what it is given, where it writes, and the effects it may have. */
export interface Terminal {
  readonly stdin: Input
  /** Data only. */
  readonly stdout: Output
  /** Progress, hints and errors. */
  readonly stderr: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly homeDirectory: string
  readonly clock: Clock
  readonly randomness: Randomness
  /** Calls `handler` on Ctrl-C instead of ending the process; the returned function takes it back. */
  onInterrupt(handler: () => void): () => void
}

/** Writes, and waits while the reader is slow. */
export async function write(output: Output, chunk: string | Uint8Array): Promise<void> {
  if (!output.write(chunk)) await once(output, 'drain')
}

/** A line for the person, never data. */
export function tell(terminal: Terminal, line: string): void {
  terminal.stderr.write(`${line}\n`)
}

export function wantsColour(terminal: Terminal): boolean {
  return terminal.stderr.isTTY === true && !terminal.environment['NO_COLOR'] && terminal.environment['TERM'] !== 'dumb'
}
