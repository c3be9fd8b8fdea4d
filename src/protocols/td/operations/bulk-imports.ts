import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'

import { Encoder } from '@msgpack/msgpack'

import { AppError, must } from '../../../base/errors.ts'
import { countedStream } from '../../../base/http/ingest-metrics.ts'
import type { BulkErrorRecord, BulkImport } from '../../../collect/bulk/bulk-imports.ts'
import { operation, streamOperation } from '../operation.ts'
import type { Answer, Operation } from '../operation.ts'
import { param } from '../sight.ts'

const createImport = operation('POST', '/bulk_import/create/{name}/{database}/{table}', async (call) => {
  const [name, database, table] = [param(call, 'name'), param(call, 'database'), param(call, 'table')]
  const mode = call.form['mode'] ?? 'append'
  if (mode !== 'append') {
    throw new AppError('invalid_request', `Bulk imports cannot ${mode} yet: they append.`, {
      hint: 'Import into another table, and swap the two (POST /v3/table/swap) or rename it with overwrite=true.',
    })
  }
  await call.bulk.create(call.principal, name, { database, table })
  return named(name)
})

const listImports = operation('GET', '/bulk_import/list', async ({ bulk, principal }) => {
  const imports = await bulk.list(principal)
  return { body: { bulk_imports: imports.map(importJson) } }
})

const showImport = operation('GET', '/bulk_import/show/{name}', async (call) => {
  const name = param(call, 'name')
  return { body: importJson(await call.bulk.show(call.principal, name)) }
})

const listParts = operation('GET', '/bulk_import/list_parts/{name}', async (call) => {
  const name = param(call, 'name')
  const parts = await call.bulk.parts(call.principal, name)
  return { body: { name, bulk_import: name, parts: parts.map((part) => part.name) } }
})

const uploadPart = streamOperation('PUT', '/bulk_import/upload_part/{name}/{part}', async (call) => {
  const [name, part] = [param(call, 'name'), param(call, 'part')]
  const { bulk, principal, metrics, stream } = call
  const upload = () => bulk.uploadPart(principal, name, part, stream)
  await countedStream(metrics, 'bulk', ({ bytes }) => bytes, upload)
  return named(name)
})

const deletePart = operation('POST', '/bulk_import/delete_part/{name}/{part}', async (call) => {
  const [name, part] = [param(call, 'name'), param(call, 'part')]
  await call.bulk.deletePart(call.principal, name, part)
  return named(name)
})

const freezeImport = operation('POST', '/bulk_import/freeze/{name}', async (call) => {
  const name = param(call, 'name')
  await call.bulk.freeze(call.principal, name)
  return named(name)
})

const unfreezeImport = operation('POST', '/bulk_import/unfreeze/{name}', async (call) => {
  const name = param(call, 'name')
  await call.bulk.unfreeze(call.principal, name)
  return named(name)
})

/** Here alone, and where a schedule is run, the id of a job is a number. */
const performImport = operation('POST', '/bulk_import/perform/{name}', async (call) => {
  const name = param(call, 'name')
  const { jobId } = await call.bulk.perform(call.principal, name, { priority: priorityOf(call.form['priority']) })
  return { body: { name, bulk_import: name, job_id: must(jobId, 'whoever performs has a job') } }
})

const commitImport = operation('POST', '/bulk_import/commit/{name}', async (call) => {
  const name = param(call, 'name')
  await call.bulk.commit(call.principal, name)
  return named(name)
})

const deleteImport = operation('POST', '/bulk_import/delete/{name}', async (call) => {
  const name = param(call, 'name')
  await call.bulk.delete(call.principal, name)
  return named(name)
})

const errorRecords = operation('GET', '/bulk_import/error_records/{name}', async (call) => {
  const name = param(call, 'name')
  // Whether there is such an import is asked before the answer begins.
  await call.bulk.show(call.principal, name)
  const maps = Readable.from(packed(call.bulk.errorRecords(call.principal, name)), { objectMode: false })
  const body = maps.on('error', (error) => body.destroy(error)).pipe(createGzip())
  return { headers: { 'content-type': 'application/octet-stream' }, body }
})

/** A map of MessagePack for each: the bytes of the record, and what was wrong with them. */
async function* packed(records: AsyncIterable<BulkErrorRecord>): AsyncIterable<Buffer> {
  const encoder = new Encoder()
  for await (const { part, recordNumber, byteOffset, reason, detail, raw, rawBytes } of records) {
    yield Buffer.from(
      encoder.encode({
        part,
        record_number: recordNumber,
        byte_offset: byteOffset,
        error: reason,
        detail,
        raw,
        raw_bytes: rawBytes,
      }),
    )
  }
}

/** From −2 to 2; 0 where it is not said. Another one becomes the nearest of these. */
function priorityOf(text = '0'): number {
  const priority = Number(text)
  return Number.isInteger(priority) ? Math.max(-2, Math.min(2, priority)) : 0
}

function named(name: string): Answer {
  return { body: { name, bulk_import: name } }
}

/** A client in Go takes the id of a job for text here, and for a number where it is performed. */
function importJson(found: BulkImport) {
  return {
    name: found.name,
    database: found.database,
    table: found.table,
    status: found.status,
    job_id: found.jobId === null ? null : String(found.jobId),
    upload_frozen: found.frozen,
    valid_records: found.validRecords,
    error_records: found.errorRecords,
    valid_parts: found.validParts,
    error_parts: found.errorParts,
  }
}

export const bulkImportOperations: readonly Operation[] = [
  createImport,
  listImports,
  showImport,
  listParts,
  uploadPart,
  deletePart,
  freezeImport,
  unfreezeImport,
  performImport,
  commitImport,
  deleteImport,
  errorRecords,
]
