import { z } from 'zod'

import { operation } from './operation.ts'
import { databasePath, id, moment, name, pageOf } from './values.ts'

export const database = z
  .object({
    id,
    name: z.string(),
    table_count: z.number().int(),
    created_at: moment,
  })
  .meta({ id: 'Database' })

export const listDatabases = operation({
  id: 'listDatabases',
  method: 'GET',
  path: '/databases',
  tag: 'databases',
  summary: 'Lists the databases that the key may use',
  answers: { 200: { description: 'The databases, by name.', schema: pageOf(database) } },
})

export const createDatabase = operation({
  id: 'createDatabase',
  method: 'POST',
  path: '/databases',
  tag: 'databases',
  summary: 'Makes a database',
  body: z.strictObject({
    name,
    if_not_exists: z.boolean().default(false).describe('Answers the existing one instead of a failure.'),
  }),
  answers: { 201: { description: 'The database.', schema: database } },
})

export const getDatabase = operation({
  id: 'getDatabase',
  method: 'GET',
  path: '/databases/{database}',
  tag: 'databases',
  summary: 'Shows a database',
  params: databasePath,
  answers: { 200: { description: 'The database.', schema: database } },
})

export const deleteDatabase = operation({
  id: 'deleteDatabase',
  method: 'DELETE',
  path: '/databases/{database}',
  tag: 'databases',
  summary: 'Drops a database with its tables',
  description: 'Queries that run finish on what they opened; the files are removed after a grace period.',
  params: databasePath,
  answers: { 204: { description: 'It is gone.' } },
})
