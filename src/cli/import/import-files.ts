import type { ImportOutcome, ImportReceipt } from '../answers.ts'
import { path, persistence } from '../client.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import type { TableName } from '../session.ts'
import { encodeBody, isOnThisMachine } from './encode-body.ts'
import { pieceId } from './piece-id.ts'
import { pieceLimits } from './pieces.ts'
import type { Piece } from './pieces.ts'
import { cut, lookInside } from './record-format.ts'
import type { RecordFormat } from './record-format.ts'
import type { Source } from './source.ts'

export interface ImportOptions {
  readonly target: TableName
  /** Undefined: as the name of each file says. */
  readonly formatOf: (source: Source) => { format: RecordFormat; guessed: boolean }
  readonly timeColumn: string | undefined
  readonly idPrefix: (source: Source) => string
  /** Undefined: be content when a body is on the server's disk. Else how long to wait until it can be queried. */
  readonly waitMs: number | undefined
  readonly parallel: number
  readonly signal: AbortSignal
  readonly onRetry: (failure: Failure) => void
}

/** What became of everything so far; changes while the import runs. */
export interface ImportTotals {
  bodies: number
  /** Inflated. */
  bytes: number
  /** As it lies in the files: how far the import is. */
  sourceBytes: number
  /** Counted while cutting; undefined as soon as a format is met that cannot be counted. */
  records: number | undefined
  accepted: number
  quarantined: number
  /** Bodies that had been applied before, the records in them, and how many of these were quarantined then. */
  duplicateBodies: number
  duplicateRecords: number
  duplicateQuarantined: number
  rejected: { source: string; offset: number; recordNumber: number | null; reason: string; detail: string }[]
}

export function newTotals(): ImportTotals {
  return {
    bodies: 0,
    bytes: 0,
    sourceBytes: 0,
    records: 0,
    accepted: 0,
    quarantined: 0,
    duplicateBodies: 0,
    duplicateRecords: 0,
    duplicateQuarantined: 0,
    rejected: [],
  }
}

/** How many quarantined records are shown; all of them are in the quarantine. */
const rejectedShown = 10

interface SourcePiece {
  readonly source: Source
  readonly format: RecordFormat
  readonly piece: Piece
  /** How much of the source was read for it, before inflation. */
  readonly sourceBytes: number
}

/** Sends all files in pieces, several at a time, and keeps count in `totals`. The first failure ends it. */
export async function importFiles(
  client: Client,
  sources: readonly Source[],
  options: ImportOptions,
  totals: ImportTotals,
): Promise<void> {
  const pieces = allPieces(sources, options)
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  const work = async () => {
    try {
      // The generator hands each piece to one of the workers, whoever asks first.
      for (let next = await pieces.next(); next.done !== true && !signal.aborted; next = await pieces.next()) {
        await sendPiece(client, next.value, { ...options, signal }, totals)
      }
    } catch (error) {
      failed.abort()
      throw error
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: options.parallel }, work))
  if (options.signal.aborted) throw new Failure(exitCodes.interrupted, 'Interrupted.')
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
  const cause = failures.find((failure) => !(failure instanceof Failure) || failure.exitCode !== exitCodes.interrupted)
  if (cause !== undefined) throw cause
}

async function* allPieces(
  sources: readonly Source[],
  { formatOf }: ImportOptions,
): AsyncGenerator<SourcePiece, undefined> {
  for (const source of sources) {
    const { format, guessed } = formatOf(source)
    const inside = guessed && format === 'json' ? await lookInside(source.chunks) : { format, chunks: source.chunks }
    let readBefore = 0
    for await (const piece of cut(inside.format, inside.chunks, pieceLimits)) {
      const read = source.bytesRead()
      yield { source, format: inside.format, piece, sourceBytes: read - readBefore }
      readBefore = read
    }
  }
  return undefined
}

async function sendPiece(
  client: Client,
  sourcePiece: SourcePiece,
  options: ImportOptions,
  totals: ImportTotals,
): Promise<void> {
  const { source, format, piece } = sourcePiece
  const { target, timeColumn, waitMs, signal, onRetry } = options
  const compressible = format !== 'parquet' && !isOnThisMachine(client.config.url.value)
  const { body, encoding } = compressible ? await encodeBody(piece.body) : { body: piece.body, encoding: 'identity' }
  const answer = await client.call<ImportReceipt | ImportOutcome>(
    'POST',
    path`/databases/${target.database}/tables/${target.table}/import`,
    {
      query: {
        id: pieceId(options.idPrefix(source), source.name, piece),
        format,
        time_column: timeColumn,
        ...(waitMs !== undefined && { wait: 'visible', wait_seconds: Math.ceil(Math.min(waitMs, 60_000) / 1000) }),
      },
      headers: { 'content-type': 'application/octet-stream', 'content-encoding': encoding },
      body,
      signal,
      // The id makes it safe to send the body again, also when nobody knows whether it arrived.
      retry: { forMs: Math.max(waitMs ?? 0, persistence.forMs), unreachable: true, onRetry },
    },
  )
  count(totals, sourcePiece, answer)
}

function count(totals: ImportTotals, sent: SourcePiece, answer: ImportReceipt | ImportOutcome): void {
  const { source, piece, sourceBytes } = sent
  totals.bodies++
  totals.bytes += piece.body.byteLength
  totals.sourceBytes += sourceBytes
  totals.records =
    totals.records === undefined || piece.records === undefined ? undefined : totals.records + piece.records
  if (!('accepted' in answer)) return
  if (answer.duplicate) {
    totals.duplicateBodies++
    totals.duplicateRecords += answer.accepted + answer.quarantined
    totals.duplicateQuarantined += answer.quarantined
    return
  }
  totals.accepted += answer.accepted
  totals.quarantined += answer.quarantined
  for (const { record_number: recordNumber, reason, detail } of answer.rejected) {
    if (totals.rejected.length === rejectedShown) break
    totals.rejected.push({ source: source.name, offset: piece.offset, recordNumber, reason, detail })
  }
}
