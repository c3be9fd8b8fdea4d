import { openAccess } from '../access/open-access.ts'
import { systemClock } from '../base/clock.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { migrate } from '../base/postgres/migrate.ts'
import { openPostgres } from '../base/postgres/postgres.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { systemRandomness } from '../base/randomness.ts'
import type { Settings } from '../base/settings.ts'
import { unlessAborted } from './life-cycle.ts'

/**
 * Brings the schema up to date and, in a database that has none, makes the first account. Returns the account's key, the
 * only time that it is known; undefined where there was an account already.
 */
export async function prepareDatabase(
  settings: Settings,
  log: Logger,
  asked?: AbortSignal,
): Promise<{ key: string } | undefined> {
  const postgres = await openPostgres({
    url: settings.databaseUrl,
    connectionsMax: 2,
    applicationName: 'biwa start',
    // A migration of a large table takes its time.
    statementTimeoutMs: 3_600_000,
  }).catch(explained)
  try {
    return await prepared(postgres, log, asked)
  } finally {
    await postgres.close()
  }
}

/** A connection that was there and is lost is made again. What has been done is not done twice: each step looks first. */
async function prepared(
  postgres: Postgres,
  log: Logger,
  asked: AbortSignal | undefined,
): Promise<{ key: string } | undefined> {
  const deadline = systemClock.monotonicMs() + databaseMsMax
  const access = openAccess({ postgres, clock: systemClock, randomness: systemRandomness, log })
  let [isNew, wasAsked] = [false, false]
  for (;;) {
    try {
      const applied = await migrate(postgres)
      for (const name of applied) log.info({ migration: name }, 'applied a migration')
      isNew ||= applied.some((name) => name.startsWith('0001_'))
      const isRepeated = wasAsked
      wasAsked = true
      const made = await access.bootstrap()
      if (made === undefined && isNew && isRepeated) throw keyIsLost()
      return made
    } catch (error) {
      if (!isAppError(error, 'database_unavailable') || systemClock.monotonicMs() > deadline) throw error
      log.warn({ err: error }, 'the database was lost while it was prepared; trying again')
      await unlessAborted(systemClock.sleep(betweenTriesMs), asked)
    }
  }
}

/** The commit that made the account was carried out, and its answer, with which the key would have been known, was lost. */
function keyIsLost(): AppError {
  return new AppError('startup', 'The first account was made, but the connection was lost before its key was known.', {
    hint: 'The database has nothing else in it yet: empty it, or the data directory, and start again.',
  })
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
