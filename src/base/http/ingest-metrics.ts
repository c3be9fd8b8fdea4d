import { AppError } from '../errors.ts'

/** What doors count of the bodies that are sent to tables. */
export interface IngestMetrics {
  readonly ingestRequests: { inc(labels: { door: string; outcome: string }): void }
  readonly ingestBytes: { inc(labels: { door: string }, bytes: number): void }
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
    metrics.ingestRequests.inc({ door, outcome: 'accepted' })
    metrics.ingestBytes.inc({ door }, bytesOf(done))
    return done
  } catch (error) {
    metrics.ingestRequests.inc({ door, outcome: error instanceof AppError ? error.code : 'internal' })
    throw error
  }
}
