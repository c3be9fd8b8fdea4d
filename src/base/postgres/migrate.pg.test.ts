import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { TestDatabase } from '../../../test/support/postgres.ts'
import { openTestDatabase } from '../../../test/support/postgres.ts'
import { migrate, migrationsDirectory } from './migrate.ts'
import { openPostgres, sql } from './postgres.ts'

let database: TestDatabase
let directory: URL

beforeEach(async () => {
  database = await openTestDatabase()
  // The template is migrated already: these tests begin from nothing, with migrations of their own.
  await database.postgres.query(sql`drop schema public cascade`)
  await database.postgres.query(sql`create schema public`)
  directory = pathToFileURL(`${await mkdtemp(join(tmpdir(), 'biwa-migrations-'))}/`)
  await write('0001_first.sql', 'create table a (x integer); create table b (y integer);')
  await write('0002_second.sql', 'insert into a values (1);')
})
afterEach(async () => {
  await database.close()
  await rm(directory, { recursive: true })
})

const write = (name: string, text: string): Promise<void> => writeFile(new URL(name, directory), text)

test('applies what is missing, in order and once', async () => {
  expect(await migrate(database.postgres, directory)).toEqual(['0001_first.sql', '0002_second.sql'])
  expect(await migrate(database.postgres, directory)).toEqual([])
  await write('0003_third.sql', 'insert into a values (2);')
  expect(await migrate(database.postgres, directory)).toEqual(['0003_third.sql'])
  expect(await database.postgres.query(sql`select x from a order by x`)).toEqual([{ x: 1 }, { x: 2 }])
})

test('lets many processes migrate at once', async () => {
  const others = await Promise.all(
    [1, 2, 3, 4].map(() => openPostgres({ url: database.url, connectionsMax: 1, applicationName: 'test' })),
  )
  const applied = await Promise.all(others.map((postgres) => migrate(postgres, directory)))
  await Promise.all(others.map((postgres) => postgres.close()))
  expect(applied.flat().toSorted()).toEqual(['0001_first.sql', '0002_second.sql'])
})

test('leaves nothing of a migration that fails', async () => {
  await write('0003_broken.sql', 'create table c (z integer); select nonsense;')
  await expect(migrate(database.postgres, directory)).rejects.toThrow('nonsense')
  expect(await database.postgres.query(sql`select to_regclass('c') as c`)).toEqual([{ c: null }])
  await write('0003_broken.sql', 'create table c (z integer);')
  expect(await migrate(database.postgres, directory)).toEqual(['0003_broken.sql'])
})

test('refuses a database that a newer Biwa migrated', async () => {
  await migrate(database.postgres, directory)
  await database.postgres.query(sql`insert into schema_migrations values (3, '0003_future.sql', 'x')`)
  await expect(migrate(database.postgres, directory)).rejects.toMatchObject({
    code: 'startup',
    message: 'The database is of version 3, but this Biwa knows versions up to 2 only.',
  })
})

test('refuses a migration that was changed after it was applied', async () => {
  await migrate(database.postgres, directory)
  await write('0001_first.sql', 'create table a (x bigint);')
  await expect(migrate(database.postgres, directory)).rejects.toMatchObject({
    code: 'startup',
    message: expect.stringContaining('0001_first.sql was changed'),
  })
})

test('applies the real migrations to an empty database', async () => {
  const names = await migrate(database.postgres, migrationsDirectory)
  expect(names[0]).toBe('0001_access.sql')
  expect(names.length).toBeGreaterThanOrEqual(4)
})
