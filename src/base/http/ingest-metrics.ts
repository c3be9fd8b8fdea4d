import { AppError } from '../errors.ts'

/** What doors count of the bodies that are sent to tables. */
export interface IngestMetrics {
  readonly ingest: {
    /** One more body, with what came of it: `accepted`, or the code of the error. The bytes of those that were accepted count. */
    note(door: string, outcome: string, bytes: number): void
  }
}

/** Does the work of taking in a body, and counts what came of it: accepted, or the code of the error. */
export function countedIngest<T>(
  metrics: IngestMetrics,
  door: string,
  body: Uint8Array,
  work: () => Promise<T>,
): Promise<T> {
  return countedStream(metrics, door, () => body.byteLength, work)
}

/** As `countedIngest`, of a body whose size is known when it was taken in. */
export async function countedStream<T>(
  metrics: IngestMetrics,
  door: string,
  bytesOf: (done: T) => number,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const done = await work()
    metrics.ingest.note(door, 'accepted', bytesOf(done))
    return done
  } catch (error) {
    throw countedRefusal(metrics, door, error)
  }
}

/** Counts a body that was not taken in; answers with the reason. */
export function countedRefusal(metrics: IngestMetrics, door: string, reason: unknown): unknown {
  metrics.ingest.note(door, reason instanceof AppError ? reason.code : 'internal', 0)
  return reason
}
