import type { Job } from '../answers.ts'
import { path, persistence } from '../client.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import type { Terminal } from '../terminal.ts'

/** The formats that the server makes of a result. */
export type ResultFormat = 'json' | 'ndjson' | 'csv' | 'tsv' | 'parquet' | 'msgpack' | 'msgpack.gz'

/** How often a broken download goes on where it broke off, without a byte in between. */
const breaksMax = 10

/** The bytes of a result. A connection that breaks is taken up where it broke, while the result is the same. */
export async function* downloadResult(
  client: Client,
  terminal: Terminal,
  job: Job,
  format: ResultFormat,
): AsyncGenerator<Uint8Array> {
  let received = 0
  let etag: string | undefined
  for (let breaks = 0; ; breaks++) {
    const headers = etag === undefined ? {} : { range: `bytes=${received}-`, 'if-range': etag }
    const response = await client.send('GET', path`/jobs/${job.id}/result`, {
      query: { format },
      headers: { accept: '*/*', ...headers },
      retry: persistence,
    })
    if (etag !== undefined && response.status !== 206) throw changed(job)
    etag = response.headers.get('etag') ?? undefined
    try {
      for await (const chunk of response.body ?? []) {
        received += chunk.byteLength
        breaks = 0
        yield chunk
      }
      return
    } catch (error) {
      if (etag === undefined || breaks === breaksMax) throw cut(job, error)
      await terminal.clock.sleep(250 * 2 ** Math.min(breaks, 5))
    }
  }
}

function changed(job: Job): Failure {
  return new Failure(exitCodes.conflict, `The result of job ${job.id} changed during the download.`, {
    hint: `biwa job result ${job.id} fetches it again.`,
  })
}

function cut(job: Job, cause: unknown): Failure {
  return new Failure(exitCodes.unreachable, `The connection broke while the result of job ${job.id} was fetched.`, {
    hint: `biwa job result ${job.id} fetches it again.`,
    cause,
  })
}
