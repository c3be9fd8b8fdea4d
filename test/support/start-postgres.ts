import type { TestProject } from 'vitest/node'

import { startTemporaryPostgres } from './temporary-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The migrated template of the run's server; each test opens a clone of its own (postgres.ts beside this file). */
    readonly postgresUrl: string
  }
}

/** One server for the whole run. */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTemporaryPostgres()
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}
