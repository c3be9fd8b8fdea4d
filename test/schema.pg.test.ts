import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

import { dumpSchema } from '../scripts/schema-dump.ts'
import { migrationsDirectory } from '../src/base/postgres/migrate.ts'
import { openTestDatabase } from './support/postgres.ts'

test('migrations/schema.sql is what the migrations make; otherwise run `npm run schema`', async () => {
  const database = await openTestDatabase(1)
  const dump = await dumpSchema(database.postgres)
  await database.close()
  expect(dump).toContain('create table chunks (')
  expect(dump).toBe(await readFile(new URL('schema.sql', migrationsDirectory), 'utf8'))
})
