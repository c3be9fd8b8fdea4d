import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'

import { AppError, assert } from '../errors.ts'
import { projectRoot } from '../project-files.ts'
import type { AppliedMigration } from './migrate.sql.ts'
import {
  appliedMigrations,
  applyMigration,
  createMigrationsTable,
  lockMigrations,
  serverVersion,
} from './migrate.sql.ts'
import type { Postgres } from './postgres.ts'

export const migrationsDirectory = new URL('migrations/', projectRoot)

interface Migration extends AppliedMigration {
  readonly text: string
}

/**
 * Brings the database to the newest version that this code knows, and returns the names of what it applied. Many
 * processes may call it at once: one of them applies a migration, each in a transaction with its row in
 * `schema_migrations`. Fails with `startup` when the database is newer than the code, when an applied migration was
 * changed afterwards, and when PostgreSQL is older than 15.
 */
export async function migrate(postgres: Postgres, directory: URL = migrationsDirectory): Promise<string[]> {
  const known = await readMigrations(directory)
  await refuseOldServer(postgres)
  const names: string[] = []
  while (true) {
    const name = await applyNext(postgres, known)
    if (name === undefined) return names
    names.push(name)
  }
}

/** Applies the first migration that is missing; undefined when none is. */
async function applyNext(postgres: Postgres, known: readonly Migration[]): Promise<string | undefined> {
  return await postgres.transaction(async (tx) => {
    await lockMigrations(tx)
    await createMigrationsTable(tx)
    const applied = await appliedMigrations(tx)
    refuseForeignHistory(known, applied)
    const next = known[applied.length]
    if (next !== undefined) await applyMigration(tx, next, next.text)
    return next?.name
  })
}

/** The files `NNNN_name.sql`, in order and without a gap. */
async function readMigrations(directory: URL): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => /^\d{4}_.+\.sql$/.test(file)).toSorted()
  return await Promise.all(
    files.map(async (name, index) => {
      const version = Number(name.slice(0, 4))
      assert(version === index + 1, `migration ${name} should have the number ${index + 1}`)
      const text = await readFile(new URL(name, directory), 'utf8')
      return { version, name, text, checksum: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

async function refuseOldServer(postgres: Postgres): Promise<void> {
  const { number, text } = await serverVersion(postgres)
  if (number >= 150_000) return
  throw new AppError('startup', `The PostgreSQL at BIWA_DATABASE_URL is of version ${text}; Biwa needs 15 or newer.`, {
    hint: 'Upgrade it, or start without BIWA_DATABASE_URL to use the PostgreSQL that Biwa brings.',
  })
}

function refuseForeignHistory(known: readonly Migration[], applied: readonly AppliedMigration[]): void {
  const newest = applied.at(-1)
  if (newest !== undefined && newest.version > known.length) {
    const message = `The database is of version ${newest.version}, but this Biwa knows versions up to ${known.length} only.`
    throw new AppError('startup', message, { hint: 'Start the newer Biwa that migrated it, or restore a backup.' })
  }
  for (const [index, migration] of applied.entries()) {
    if (known[index]?.checksum === migration.checksum) continue
    const message = `The migration ${migration.name} was changed after it was applied to this database.`
    throw new AppError('startup', message, {
      hint: 'Start the Biwa that applied it; a change of the schema belongs into a new migration.',
    })
  }
}
