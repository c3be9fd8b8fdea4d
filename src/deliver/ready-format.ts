import { isAppError } from '../base/errors.ts'
import type { Attempt, JobKind } from '../jobs/jobs.ts'
import type { ResultFormat } from './deliver.ts'
import type { FormatParts } from './result-job.ts'
import { makeFormat } from './result-job.ts'
import type { StoredColumn, StoredResult } from './stored-result.ts'

/** What deliver reads of the input and the output of a query. */
interface ReadInput {
  readonly resultFormat?: ResultFormat
}
interface ReadOutput {
  readonly columns: readonly StoredColumn[]
  readonly resultKey: string | null
  readonly rows: number
  readonly resultBytes: number
  readonly ready?: StoredResult['ready']
}

/** What is larger takes a while, in which the query would not be done, and may be wanted by nobody. */
const rowsMax = 10_000
const bytesMax = 1e6

/**
 * The kind of queries whose small results are there in the format that they are going to be read in when the query is done. A job
 * of its own for that takes longer, and more of a processor, than writing a thousand rows.
 */
export function readying(kind: JobKind, parts: FormatParts): JobKind {
  return {
    ...kind,
    async handler(attempt) {
      const output = await kind.handler(attempt)
      await makeReady(parts, attempt, output as ReadOutput)
      return output
    },
  }
}

async function makeReady(parts: FormatParts, attempt: Attempt, output: ReadOutput): Promise<void> {
  const { resultFormat } = attempt.job.input as ReadInput
  const { columns, resultKey, rows, resultBytes, ready } = output
  if (
    ready !== undefined ||
    resultFormat === undefined ||
    resultKey === null ||
    rows > rowsMax ||
    resultBytes > bytesMax
  )
    return
  try {
    await makeFormat(parts, attempt, { queryJobId: attempt.job.id, columns, resultKey }, resultFormat)
  } catch (error) {
    // The query is done all the same, and whoever asks for the result has it made, or is told what is wrong with it.
    if (!isAppError(error)) throw error
    attempt.signal.throwIfAborted()
  }
}
