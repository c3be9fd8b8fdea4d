import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock } from '../../src/base/clock.ts'
import { openLog } from '../../src/base/log.ts'
import { EmbeddedPostgres } from '../../src/base/postgres/embedded.ts'
import { migrate } from '../../src/base/postgres/migrate.ts'
import { openPostgres } from '../../src/base/postgres/postgres.ts'

/** A PostgreSQL with a migrated database, quick because it would not survive a power cut, and gone after `stop`. */
export async function startTemporaryPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'biwa-test-'))
  const server = new EmbeddedPostgres({
    dataDirectory,
    clock: systemClock,
    log: openLog('warn'),
    settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '300' },
  })
  await server.start()
  const postgres = await openPostgres({ url: server.url, connectionsMax: 1, applicationName: 'migrate' })
  await migrate(postgres)
  await postgres.close()
  return {
    url: server.url,
    async stop() {
      await server.stop()
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}
