import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

import type { Terminal } from './terminal.ts'

/** Asks the person for a line that is not shown, or takes the first one of standard input. */
export async function askSecret(terminal: Terminal, question: string): Promise<string> {
  const interactive = terminal.stdin.isTTY === true
  if (interactive) terminal.stderr.write(`${question}: `)
  // Nothing of what readline echoes reaches the terminal.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: terminal.stdin, output: silent, terminal: interactive })
  try {
    const { value } = await lines[Symbol.asyncIterator]().next()
    return value ?? ''
  } finally {
    lines.close()
    if (interactive) terminal.stderr.write('\n')
  }
}
