import { systemClock } from '../base/clock.ts'
import { openDataDirectory } from '../base/data-directory.ts'
import { openLog } from '../base/log.ts'
import { EmbeddedPostgres } from '../base/postgres/embedded.ts'
import { migrate } from '../base/postgres/migrate.ts'
import { openPostgres } from '../base/postgres/postgres.ts'
import { readSettings } from '../base/settings.ts'
import type { SettingName } from '../base/settings.ts'

/**
 * `biwa migrate`: brings the metadata database to this version's schema without serving, and returns the names of the
 * migrations that were applied. The embedded PostgreSQL is started for it, which a running server refuses.
 */
export async function migrateDatabase(flags: Readonly<Partial<Record<SettingName, string>>>): Promise<string[]> {
  const settings = readSettings(flags, process.env)
  if (settings.databaseUrl !== '') return await migrateAt(settings.databaseUrl)
  const directory = await openDataDirectory(settings.dataDirectory)
  const log = openLog(settings.logLevel, { role: 'migrate' })
  const embedded = new EmbeddedPostgres({ dataDirectory: directory.path, clock: systemClock, log })
  try {
    await embedded.start()
    return await migrateAt(embedded.url)
  } finally {
    await embedded.stop()
    await directory.release()
  }
}

async function migrateAt(url: string): Promise<string[]> {
  const postgres = await openPostgres({ url, connectionsMax: 2, applicationName: 'biwa migrate' })
  try {
    return await migrate(postgres)
  } finally {
    await postgres.close()
  }
}
