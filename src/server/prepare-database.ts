import { openAccess } from '../access/open-access.ts'
import { systemClock } from '../base/clock.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { migrate } from '../base/postgres/migrate.ts'
import { openPostgres } from '../base/postgres/postgres.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { systemRandomness } from '../base/randomness.ts'
import type { Settings } from '../base/settings.ts'

/**
 * Brings the schema up to date and, in a database that has none, makes the first account. Returns the account's key, the
 * only time that it is known; undefined where there was an account already.
 */
export async function prepareDatabase(settings: Settings, log: Logger): Promise<{ key: string } | undefined> {
  const postgres = await openPostgres({
    url: settings.databaseUrl,
    connectionsMax: 2,
    applicationName: 'biwa start',
    // A migration of a large table takes its time.
    statementTimeoutMs: 3_600_000,
  }).catch(explained)
  try {
    return await prepared(postgres, log)
  } finally {
    await postgres.close()
  }
}

/** A connection that was there and is lost is made again. What has been done is not done twice: each step looks first. */
async function prepared(postgres: Postgres, log: Logger): Promise<{ key: string } | undefined> {
  const deadline = systemClock.monotonicMs() + databaseMsMax
  for (;;) {
    try {
      for (const name of await migrate(postgres)) log.info({ migration: name }, 'applied a migration')
      const access = openAccess({ postgres, clock: systemClock, randomness: systemRandomness, log })
      return await access.bootstrap()
    } catch (error) {
      if (!isAppError(error, 'database_unavailable') || systemClock.monotonicMs() > deadline) throw error
      log.warn({ err: error }, 'the database was lost while it was prepared; trying again')
      await systemClock.sleep(betweenTriesMs)
    }
  }
}

const databaseMsMax = 10_000
const betweenTriesMs = 100

function explained(error: unknown): never {
  const reason = isAppError(error) && error.cause instanceof Error ? error.cause.message : String(error)
  throw new AppError('startup', `PostgreSQL cannot be reached: ${reason || 'no answer'}.`, {
    hint: 'Check BIWA_DATABASE_URL, or leave it out to use the PostgreSQL that comes with Biwa.',
    cause: error,
  })
}
