import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

import { systemClock } from '../../src/base/clock.ts'
import { openLog } from '../../src/base/log.ts'
import { EmbeddedPostgres } from '../../src/base/postgres/embedded.ts'
import { migrate } from '../../src/base/postgres/migrate.ts'
import { openPostgres } from '../../src/base/postgres/postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server's maintenance connection; each test opens a database of its own (postgres.ts beside this file). */
    readonly postgresUrl: string
  }
}

/** One server for the whole run, which forgets everything, with a migrated template to clone. */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'biwa-test-'))
  const server = new EmbeddedPostgres({
    dataDirectory,
    clock: systemClock,
    log: openLog('warn'),
    settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '300' },
  })
  await server.start()
  const template = await openPostgres({ url: server.url, connectionsMax: 1, applicationName: 'template' })
  await migrate(template)
  await template.close()
  project.provide('postgresUrl', server.url)
  return async () => {
    await server.stop()
    await rm(dataDirectory, { recursive: true, force: true })
  }
}
