import type { Job } from '../answers.ts'
import type { Client } from '../client.ts'
import type { Terminal } from '../terminal.ts'
import { awaitJob, failureOfJob } from './await-job.ts'
import { submitQuery } from './submit-query.ts'

/** Runs a statement that the command itself wrote, to its end: Ctrl-C kills its job. */
export async function runStatement(
  client: Client,
  terminal: Terminal,
  sql: string,
  options: { readonly quiet: boolean },
): Promise<Job> {
  const query = { sql, database: undefined, waitSeconds: 1 }
  const job = await awaitJob(client, terminal, () => submitQuery(client, terminal, query), {
    timeoutMs: undefined,
    onInterrupt: 'kill',
    quiet: options.quiet,
  })
  const failure = failureOfJob(job)
  if (failure !== undefined) throw failure
  return job
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
