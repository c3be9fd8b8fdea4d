import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

import { systemClock } from '../../src/base/clock.ts'
import { openLog } from '../../src/base/log.ts'
import { EmbeddedPostgres } from '../../src/base/postgres/embedded.ts'
import { migrate } from '../../src/base/postgres/migrate.ts'
import { openPostgres } from '../../src/base/postgres/postgres.ts'

/** Of each contender, beside those that it listens on. */
export const connectionsMax = 10

/** A PostgreSQL as the product starts it, which does not acknowledge before the disk has. */
export interface BenchServer {
  readonly url: string
  readonly settings: Readonly<Record<string, string>>
  /** For what is not measured. */
  readonly pool: pg.Pool
  /** After seeding: statistics for the planner, and no checkpoint that falls into one contender's time by chance. */
  settle(): Promise<void>
  stop(): Promise<void>
}

export async function startServer(): Promise<BenchServer> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'biwa-bench-'))
  const server = new EmbeddedPostgres({ dataDirectory, clock: systemClock, log: openLog('warn') })
  await server.start()
  const postgres = await openPostgres({ url: server.url, connectionsMax: 1, applicationName: 'bench' })
  await migrate(postgres)
  await postgres.close()
  const pool = openPool(server.url, 4)
  return {
    url: server.url,
    settings: await readSettings(pool),
    pool,
    async settle() {
      await pool.query('vacuum analyze')
      await pool.query('checkpoint')
    },
    async stop() {
      await pool.end()
      await server.stop()
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

export function openPool(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function readSettings(pool: pg.Pool): Promise<Record<string, string>> {
  const names = [
    'server_version',
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'wal_sync_method',
    'shared_buffers',
  ]
  const settings: Record<string, string> = {}
  for (const name of names) {
    const { rows } = await pool.query(`show ${name}`)
    settings[name] = rows[0][name]
  }
  return settings
}
