import type { Client } from '../client.ts'
import type { Terminal } from '../terminal.ts'
import { awaitJob, failureOfJob } from './await-job.ts'
import { deliverResult, downloadedFormat, rowsShown } from './deliver-result.ts'
import { splitStatements } from './sql-spans.ts'
import { submitQuery } from './submit-query.ts'

/** Runs the statements on standard input one after the other. The first that fails ends it. */
export async function runScript(client: Client, terminal: Terminal, format: string | undefined): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of terminal.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
  const { statements, rest } = splitStatements(Buffer.concat(chunks).toString('utf8'))
  const all = rest.trim() === '' ? statements : [...statements, rest.trim()]
  const delivery = { format, output: undefined, limit: rowsShown }
  const resultFormat = downloadedFormat(terminal, delivery)
  for (const sql of all) {
    const query = { sql, database: client.config.database?.value, waitSeconds: 1, resultFormat }
    const job = await awaitJob(client, terminal, () => submitQuery(client, terminal, query), {
      timeoutMs: undefined,
      onInterrupt: 'detach',
    })
    const failure = failureOfJob(job)
    if (failure !== undefined) throw failure
    await deliverResult(client, terminal, job, delivery)
  }
}
