import { AppError } from '../../../base/errors.ts'
import { operation } from '../operation.ts'
import type { Operation } from '../operation.ts'

/** What another server of this API does and Biwa does not: which thing is missing, and what to do today. */
interface Missing {
  readonly what: string
  readonly instead: string
}

const connectors: Missing = {
  what: 'Connectors that load from other systems',
  instead: 'Load with Embulk and its output plugin td, with a bulk import, or with PUT /v3/table/import.',
}

const savedResults: Missing = {
  what: 'Saved result URLs',
  instead: 'Give a job or a schedule a whole result URL, such as td://key@host/database/table?mode=append.',
}

const connections: Missing = {
  what: 'Connections',
  instead: 'Give a job a result URL instead of the id of a connection.',
}

const fileExports: Missing = {
  what: 'Exports of tables to buckets',
  instead: 'Query the table and fetch the result (GET /v3/job/result/{id}), or read its files over Iceberg.',
}

const accessControls: Missing = {
  what: 'Access control lists of this kind',
  instead: 'Grant what a user may do in a database: biwa user grant.',
}

const coreUse: Missing = {
  what: 'Figures of used cores',
  instead: 'The figures of the server are at GET /metrics.',
}

/** Refused for good, so with a status that no client repeats. */
function notYet(method: Operation['method'], path: string, { what, instead }: Missing): Operation {
  return operation(method, path, async () => {
    throw new AppError('not_supported', `${what} are not there yet.`, { hint: instead })
  })
}

/** True, as no connector can be made, and a bare array as this API has it here alone. */
const listConnectors = operation('GET', '/bulk_loads', async () => ({ body: [] }))
const listSavedResults = operation('GET', '/result/list', async () => ({ body: { results: [] } }))

export const notYetOperations: readonly Operation[] = [
  listConnectors,
  notYet('POST', '/bulk_loads', connectors),
  notYet('POST', '/bulk_loads/guess', connectors),
  notYet('POST', '/bulk_loads/preview', connectors),
  notYet('GET', '/bulk_loads/{name}', connectors),
  notYet('PUT', '/bulk_loads/{name}', connectors),
  notYet('DELETE', '/bulk_loads/{name}', connectors),
  notYet('GET', '/bulk_loads/{name}/jobs', connectors),
  notYet('POST', '/bulk_loads/{name}/jobs', connectors),
  listSavedResults,
  notYet('POST', '/result/create/{name}', savedResults),
  notYet('POST', '/result/delete/{name}', savedResults),
  notYet('GET', '/connections/lookup', connections),
  notYet('POST', '/export/run/{database}/{table}', fileExports),
  notYet('POST', '/acl/grant', accessControls),
  notYet('POST', '/acl/revoke', accessControls),
  notYet('GET', '/acl/test', accessControls),
  notYet('GET', '/acl/list', accessControls),
  notYet('GET', '/account/core_utilization', coreUse),
]
