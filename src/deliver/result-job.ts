import { join } from 'node:path'

import type { Disk } from '../base/disk.ts'
import type { EnginePool } from '../base/engines/engines.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import type { Attempt, JobKind, Jobs } from '../jobs/jobs.ts'
import type { BareFormat, ResultFormat } from './deliver.ts'
import { formatTask } from './format-input.ts'
import type { FormatInput, FormatOutput } from './format-input.ts'
import { withLocalResult } from './local-result.ts'
import { formattedKey, storedResult } from './stored-result.ts'
import type { StoredResult } from './stored-result.ts'

export const resultJobKind = 'result'

/** The input of a job of kind `result`. */
export interface ResultJobInput {
  readonly queryJobId: number
  readonly format: ResultFormat | BareFormat
}

/** What formats are made with. */
export interface FormatParts {
  readonly objects: ObjectStore
  readonly engines: EnginePool
  readonly disk: Disk
  readonly scratchDirectory: string
  readonly limits: ResultLimits
}

export interface ResultJobParts extends FormatParts {
  readonly jobs: Jobs
  readonly concurrency: number
}

export interface ResultLimits {
  /** What DuckDB allocates; the process is killed at `residentBytesMax`. */
  readonly memoryBytes: number
  readonly residentBytesMax: number
  /** Of the result in the format that is made. */
  readonly outputBytesMax: number
  readonly timeoutMs: number
}

/** Writes the result of a query in a format. Doing it again gives the same object under the same key. */
export function resultJob(parts: ResultJobParts): JobKind {
  return { kind: resultJobKind, concurrency: parts.concurrency, handler: (attempt) => makeObject(parts, attempt) }
}

async function makeObject(parts: ResultJobParts, attempt: Attempt): Promise<FormatOutput> {
  const { queryJobId, format } = attempt.job.input as ResultJobInput
  const query = await parts.jobs.get(attempt.job.accountId, queryJobId)
  return await makeFormat(parts, attempt, storedResult(query), format)
}

/** Writes the stored result of a query in a format to where it is looked for. */
export async function makeFormat(
  parts: FormatParts,
  attempt: Attempt,
  result: StoredResult,
  format: ResultFormat | BareFormat,
): Promise<FormatOutput> {
  const { columns } = result
  const path = join(parts.scratchDirectory, `result-${attempt.job.id}-${attempt.leaseToken}`)
  const { memoryBytes, outputBytesMax, timeoutMs, residentBytesMax } = parts.limits
  await parts.disk.makeDirectory(parts.scratchDirectory)
  try {
    const output = await withLocalResult(parts, attempt, result, async (source) => {
      const input: FormatInput = { source, path, format, columns, memoryBytes, outputBytesMax }
      return await parts.engines.run<FormatOutput>(
        { kind: formatTask, input },
        { timeoutMs, residentBytesMax, signal: attempt.signal, onProgress: (value) => attempt.progress(value) },
      )
    })
    await parts.objects.putFile(formattedKey(result, format), path)
    return output
  } finally {
    await parts.disk.remove(path)
  }
}
