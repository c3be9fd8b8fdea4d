import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'

import { AppError, isAppError } from '../../../base/errors.ts'
import { countedIngest, countedRefusal } from '../../../base/http/ingest-metrics.ts'
import type { ImportRequest } from '../../../collect/collect.ts'
import type { TableName } from '../../../store/store.ts'
import { importOperation } from '../operation.ts'
import type { Answer, Operation, ImportCall } from '../operation.ts'
import { param, tableOfPath } from '../sight.ts'

/** The formats that stand at the end of the path. JSON is one record a line. */
const formats: Readonly<Record<string, Pick<ImportRequest, 'format' | 'encoding'>>> = {
  'msgpack.gz': { format: 'msgpack', encoding: 'gzip' },
  'json.gz': { format: 'ndjson', encoding: 'gzip' },
  msgpack: { format: 'msgpack', encoding: 'identity' },
  json: { format: 'ndjson', encoding: 'identity' },
}

/** Keeps a body for a table, and answers as soon as it is durable. Its header `Content-Type` says nothing: the path does. */
async function importBody(call: ImportCall): Promise<Answer> {
  const { principal, clock, collect, metrics } = call
  const startedMs = clock.monotonicMs()
  const { database, name: table } = tableOfPath(call)
  const { format, encoding } = formatOf(param(call, 'format'))
  await call.access.require(principal, database, 'import')
  await requireTable(call, { database, name: table })
  const giveBack = await awaitRoom(call, database)
  const body = await call.upload().finally(giveBack)
  const uniqueId = call.params['id'] ?? null
  const request = {
    principal,
    database,
    table,
    uniqueId,
    format,
    encoding,
    timeColumn: null,
    door: 'td' as const,
    body,
  }
  const receipt = await countedIngest(metrics, 'td_import', body, () => collect.accept(request))
  return {
    body: {
      unique_id: receipt.uniqueId,
      database,
      table,
      md5_hex: await md5Hex(body),
      elapsed_time: (clock.monotonicMs() - startedMs) / 1000,
    },
  }
}

/** A body that is refused for want of room need not be received. Without a length, it is judged when it is there. */
async function awaitRoom(
  { collect, principal, headers, metrics }: ImportCall,
  database: string,
): Promise<(() => void) | undefined> {
  const length = headers['content-length']
  if (length === undefined) return undefined
  try {
    return await collect.awaitRoom(principal, database, Number(length))
  } catch (error) {
    throw countedRefusal(metrics, 'td_import', error)
  }
}

function formatOf(text: string): Pick<ImportRequest, 'format' | 'encoding'> {
  const format = formats[text]
  if (format !== undefined) return format
  throw new AppError('unsupported_format', `Bodies are not imported as ${JSON.stringify(text)}.`, {
    hint: `The formats are ${Object.keys(formats).join(', ')}.`,
  })
}

/**
 * Fluentd's plugin makes the table when it hears that there is none, and its configuration says whether it may. So the intake is
 * not to make it by itself, as it does for others. While the database is away nobody can tell: the body is kept.
 */
async function requireTable({ store, principal }: ImportCall, { database, name }: TableName): Promise<void> {
  try {
    await store.table(principal.accountId, database, name)
  } catch (error) {
    if (!isAppError(error, 'database_unavailable')) throw error
  }
}

/** Hashed at a stretch: a few milliseconds, in which nobody else is answered. */
const stretchBytes = 2 << 20

/** By which clients check that what was kept is what they sent. */
async function md5Hex(body: Buffer): Promise<string> {
  const hash = createHash('md5')
  for (let at = 0; at < body.byteLength; at += stretchBytes) {
    if (at > 0) await setImmediate()
    hash.update(body.subarray(at, at + stretchBytes))
  }
  return hash.digest('hex')
}

export const importOperations: readonly Operation[] = [
  importOperation('/table/import/{database}/{table}/{format}', importBody),
  importOperation('/table/import_with_id/{database}/{table}/{id}/{format}', importBody),
]
