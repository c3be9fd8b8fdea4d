import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { Terminal } from '../terminal.ts'

function historyPath(terminal: Terminal): string {
  const base = terminal.environment['XDG_STATE_HOME'] || join(terminal.homeDirectory, '.local', 'state')
  return join(base, 'biwa', 'sql_history')
}

/** What was typed in earlier talks, the newest first; nothing where it cannot be read. */
export async function loadHistory(terminal: Terminal): Promise<string[]> {
  const text = await readFile(historyPath(terminal), 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '')
}

/** SQL may name what is nobody else's business: the file is its owner's. A history that cannot be kept is no failure. */
export async function saveHistory(terminal: Terminal, lines: readonly string[]): Promise<void> {
  const file = historyPath(terminal)
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  } catch {
    // Read-only home directories are common in containers.
  }
}
