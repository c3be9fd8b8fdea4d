import { isAppError } from '../base/errors.ts'
import type { Attempt, JobKind } from '../jobs/jobs.ts'
import type { ResultFormat } from './deliver.ts'
import type { FormatParts } from './result-job.ts'
import { makeFormat } from './result-job.ts'
import type { ResultOutput } from './stored-result.ts'
import { givenResult } from './stored-result.ts'

/** What deliver reads of the input and the output of a query. */
interface ReadInput {
  readonly resultFormat?: ResultFormat
}
type ReadOutput = ResultOutput & { readonly rows: number; readonly resultBytes: number }

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
  const result = givenResult(output)
  if (result === undefined || result.ready !== undefined || resultFormat === undefined) return
  if (output.rows > rowsMax || output.resultBytes > bytesMax) return
  try {
    await makeFormat(parts, attempt, result, resultFormat)
  } catch (error) {
    // The query is done all the same, and whoever asks for the result has it made, or is told what is wrong with it.
    if (!isAppError(error)) throw error
    attempt.signal.throwIfAborted()
  }
}
