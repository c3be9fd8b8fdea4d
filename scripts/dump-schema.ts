import { writeFile } from 'node:fs/promises'

import { migrationsDirectory } from '../src/base/postgres/migrate.ts'
import { openPostgres } from '../src/base/postgres/postgres.ts'
import { startTemporaryPostgres } from '../test/support/temporary-postgres.ts'
import { dumpSchema } from './schema-dump.ts'

// Writes migrations/schema.sql: what a reader wants to know, and what a review of a migration should show.
const server = await startTemporaryPostgres()
const postgres = await openPostgres({ url: server.url, connectionsMax: 1, applicationName: 'dump schema' })
await writeFile(new URL('schema.sql', migrationsDirectory), await dumpSchema(postgres))
await postgres.close()
await server.stop()
