import type { Command } from 'commander'

import { packageVersion } from '../../base/project-files.ts'
import { write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

export function defineVersion(command: Command, terminal: Terminal): void {
  command.action(async () => {
    await write(terminal.stdout, `biwa ${packageVersion()} (Node ${process.versions.node})\n`)
  })
}
