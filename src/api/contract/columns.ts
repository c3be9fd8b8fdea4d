import { z } from 'zod'

import { operation } from './operation.ts'
import { table } from './tables.ts'
import { name, tablePath } from './values.ts'

// The columns of a table. What the values of before become is told in docs/types.md, “Changing columns”.

const type = z.string().min(1).max(10_000).describe('Such as `bigint`, `decimal(10,2)`, `map(varchar,bigint)`.')
const columnPath = tablePath.extend({ column: name })

export const addColumn = operation({
  id: 'addColumn',
  method: 'POST',
  path: '/databases/{database}/tables/{table}/columns',
  tag: 'tables',
  summary: 'Adds a column to a table',
  description: 'What was rescued under its name comes into it, where it fits.',
  params: tablePath,
  body: z.strictObject({
    name,
    type,
    if_not_exists: z.boolean().default(false).describe('A column of the name is left as it is.'),
  }),
  answers: { 201: { description: 'The table.', schema: table } },
})

export const updateColumn = operation({
  id: 'updateColumn',
  method: 'PATCH',
  path: '/databases/{database}/tables/{table}/columns/{column}',
  tag: 'tables',
  summary: 'Gives a column another name, or another type',
  description:
    'Values become what an import of them would have made; those that do not fit the new type are rescued, and those that do come back.',
  params: columnPath,
  body: z.union([
    z.strictObject({ name: name.describe('The new name.') }),
    z.strictObject({ type: type.describe('The new type.') }),
  ]),
  answers: { 200: { description: 'The table.', schema: table } },
})

export const deleteColumn = operation({
  id: 'deleteColumn',
  method: 'DELETE',
  path: '/databases/{database}/tables/{table}/columns/{column}',
  tag: 'tables',
  summary: 'Drops a column, and what was rescued of it',
  params: columnPath,
  answers: { 204: { description: 'It is gone.' } },
})
