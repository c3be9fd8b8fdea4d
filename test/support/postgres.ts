import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

import type { Postgres } from '../../src/base/postgres/postgres.ts'
import { openPostgres } from '../../src/base/postgres/postgres.ts'

export interface TestDatabase {
  readonly postgres: Postgres
  readonly url: string
  /** Closes `postgres` and drops the database, whoever is still connected to it. */
  close(): Promise<void>
}

/** A migrated, empty database that nobody else uses. */
export async function openTestDatabase(connectionsMax = 10): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await maintain(`create database ${name} template biwa`)
  const url = databaseUrl(name)
  const postgres = await openPostgres({ url, connectionsMax, applicationName: 'test' })
  return {
    postgres,
    url,
    async close() {
      await postgres.close()
      await maintain(`drop database ${name} with (force)`)
    },
  }
}

function databaseUrl(name: string): string {
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  return url.href
}

async function maintain(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl('postgres') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
