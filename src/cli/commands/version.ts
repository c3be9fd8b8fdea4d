import type { Command } from 'commander'

import { write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { cliVersion } from '../version.ts'

export function defineVersion(command: Command, terminal: Terminal): void {
  command.action(async () => {
    await write(terminal.stdout, `biwa ${await cliVersion()} (Node ${process.versions.node})\n`)
  })
}
