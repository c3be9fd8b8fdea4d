import type { Command } from 'commander'

import { readLayers } from '../config-layers.ts'
import { resolveConfig } from '../config.ts'
import type { Setting } from '../config.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { withDatabase, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

export function defineConfig(config: Command, terminal: Terminal): void {
  withOutput(withDatabase(config.command('show').description('show the settings in force, and their origin'))).action(
    async (flags: CommonOptions) => {
      const { url, apiKey, database, passedOver } = resolveConfig(await readLayers(terminal, flags))
      const masked = apiKey === undefined ? undefined : { ...apiKey, value: maskedKey(apiKey.value) }
      const settings = [row('url', url), row('api_key', masked), row('database', database)]
      await printRows(terminal, rowsOf(['setting', 'value', 'origin'], settings), flags.format)
      for (const reason of passedOver) tell(terminal, `Not used: ${reason}.`)
    },
  )
}

function row(setting: string, found: Setting | undefined) {
  return { setting, value: found?.value ?? null, origin: found?.origin ?? 'not set' }
}

/** Enough to recognise it by, and no more. */
function maskedKey(key: string): string {
  return key.length < 12 ? '…' : `${key.slice(0, key.indexOf('/') + 1)}…${key.slice(-4)}`
}
