import type { Command } from 'commander'

import { openLog } from '../../base/log.ts'
import { readSettings } from '../../base/settings.ts'
import { usage } from '../failure.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { addServerOptions, serverFlags } from './serve.ts'

export function defineMigrate(command: Command, terminal: Terminal): void {
  addServerOptions(command).action(async (options: Record<string, unknown>) => {
    const settings = readSettings(serverFlags(options), terminal.environment)
    if (settings.databaseUrl === '') {
      throw usage(
        'There is no database to migrate.',
        'Set BIWA_DATABASE_URL. The PostgreSQL that comes with Biwa is migrated by “biwa serve”.',
      )
    }
    const { prepareDatabase } = await import('../../server/prepare-database.ts')
    const made = await prepareDatabase(settings, openLog('info', { role: 'migrate' }))
    tell(terminal, 'The schema is the newest.')
    if (made === undefined) return
    tell(terminal, 'The first account was made. Its key, shown this once:')
    terminal.stdout.write(`${made.key}\n`)
  })
}
