import { AppError } from '../../base/errors.ts'
import { countedIngest, countedRefusal } from '../../base/http/ingest-metrics.ts'
import type { Collect, ImportOutcome, ImportReceipt, ImportRequest } from '../../collect/collect.ts'
import { postEvents, postImport, putImport } from '../contract/imports.ts'
import type { EventLane } from '../event-lane.ts'
import { formatOfMediaType, requireEncoding, requireFormat } from '../import-request.ts'
import type { ApiMetrics } from '../metrics.ts'
import { serveOperation } from '../serve-operation.ts'
import type { Announced, Call, OperationHost } from '../serve-operation.ts'

export function serveImports(host: OperationHost, collect: Collect, metrics: ApiMetrics, lane: EventLane): void {
  const handleImport = (call: ImportCall) =>
    countedIngest(metrics, 'import', call.body, () => answerImport(collect, call))
  const admitImport = async ({ principal, params }: Announced<ImportOperation>, bytes: number): Promise<() => void> => {
    try {
      return await collect.awaitRoom(principal, params.database, bytes)
    } catch (error) {
      throw countedRefusal(metrics, 'import', error)
    }
  }
  // Who waits for the rows to be visible may go away meanwhile, which the lane does not see.
  const uploading = { admit: admitImport, laneParameters: ['id', 'format', 'time_column'] }
  serveOperation(host, postImport).with(handleImport, uploading)
  serveOperation(host, putImport).with(handleImport, uploading)

  serveOperation(host, postEvents).with(async (call) => {
    const { principal, params, query, headers, body, contentType } = call
    const place = {
      database: params.database,
      table: params.table,
      timeColumn: query.time_column ?? null,
      format: formatOfMediaType(contentType) === 'ndjson' ? 'ndjson' : 'json',
    } as const
    const answered = await countedIngest(metrics, 'events', body, () => {
      const uniqueId = headers['idempotency-key'] ?? null
      const encoding = requireEncoding(call.contentEncoding)
      return answer(collect, { principal, ...place, uniqueId, encoding, door: 'events', body }, query)
    })
    if (answered.status === 202) lane.remember(call.url, { ...place, contentType })
    return answered
  })
}

type ImportOperation = typeof postImport | typeof putImport
type ImportCall = Call<typeof postImport> | Call<typeof putImport>

function answerImport(collect: Collect, call: ImportCall) {
  const { principal, params, query, headers, body } = call
  const request: ImportRequest = {
    principal,
    database: params.database,
    table: params.table,
    uniqueId: query.id ?? headers['x-biwa-id'] ?? headers['idempotency-key'] ?? null,
    format: query.format ?? headers['x-biwa-format'] ?? requireFormat(call.contentType),
    encoding: requireEncoding(call.contentEncoding),
    timeColumn: query.time_column ?? headers['x-biwa-time-column'] ?? null,
    door: 'import',
    body,
  }
  return answer(collect, request, query)
}

async function answer(
  collect: Collect,
  request: ImportRequest,
  query: { wait?: 'visible' | undefined; wait_seconds: number },
) {
  if (query.wait === undefined) return { status: 202, body: receiptJson(await collect.accept(request)) } as const
  const outcome = await collect.acceptAndWait(request, query.wait_seconds * 1000)
  if (outcome.error !== null) throw unreadable(request, outcome)
  return { status: 200, body: outcomeJson(outcome) } as const
}

/** Nothing of the body could be read. It was kept: the sender may want to know where. */
function unreadable(request: ImportRequest, { error, uniqueId }: ImportOutcome): AppError {
  const record = error ?? { code: 'body_malformed', message: 'The body cannot be read.' }
  const kept = `The body is in the quarantine of ${request.database}.${request.table} under the id ${uniqueId}.`
  return AppError.fromRecord({ ...record, hint: record.hint === undefined ? kept : `${record.hint} ${kept}` })
}

function receiptJson({ uniqueId, bytes }: ImportReceipt) {
  return { id: uniqueId, bytes }
}

function outcomeJson(outcome: ImportOutcome & { readonly seconds: number }) {
  return {
    id: outcome.uniqueId,
    accepted: outcome.accepted,
    quarantined: outcome.quarantined,
    rejected: outcome.rejected.map(({ recordNumber, reason, detail }) => ({
      record_number: recordNumber,
      reason,
      detail,
    })),
    duplicate: outcome.duplicate,
    seconds: outcome.seconds,
  }
}
