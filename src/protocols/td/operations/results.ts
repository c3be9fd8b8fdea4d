import { AppError } from '../../../base/errors.ts'
import { selectBytes } from '../../../base/http/byte-range.ts'
import type { BareFormat, ResultFormat, ResultObject } from '../../../deliver/deliver.ts'
import { errorAnswer } from '../errors.ts'
import { visibleJob } from '../job-facts.ts'
import { operation } from '../operation.ts'
import type { Answer, Call, Operation } from '../operation.ts'
import { choiceParameter } from '../parameters.ts'

const formats = ['msgpack', 'msgpack.gz', 'json', 'csv', 'tsv'] as const

/** Names of columns come before the rows where they are asked for, in formats that have a place for them. */
function formatOf(call: Call): ResultFormat | BareFormat {
  const format = choiceParameter(call, 'format', formats) ?? 'tsv'
  const hasHeader = (call.form['header'] ?? '').toLowerCase() === 'true'
  if (format === 'json') return 'json.rows'
  if (format === 'csv') return hasHeader ? 'csv' : 'csv.rows'
  if (format === 'tsv') return hasHeader ? 'tsv' : 'tsv.rows'
  return format
}

/**
 * The result, or the part of it that is asked for. Its bytes are those of the format: a msgpack.gz is not told to be encoded, for
 * clients that inflate what is would count other bytes than its size says.
 */
async function jobResult(call: Call): Promise<Answer> {
  const job = await visibleJob(call)
  const format = formatOf(call)
  const result = await call.deliver.result(job, format)
  const headers = { etag: result.etag, 'accept-ranges': 'bytes', 'content-type': result.contentType }
  const selection = selectBytes(call.headers, result)
  switch (selection.status) {
    case 416:
      return {
        status: 416,
        headers: { 'content-range': `bytes */${result.bytes}` },
        body: errorAnswer(outside(result)),
      }
    case 304:
      return { status: 304, headers: { etag: result.etag }, body: Buffer.alloc(0) }
    case 200:
      return {
        headers: { ...headers, 'content-length': String(result.bytes) },
        body: await result.stream(),
      }
    case 206: {
      const { from, to } = selection
      return {
        status: 206,
        headers: {
          ...headers,
          'content-length': String(to - from),
          'content-range': `bytes ${from}-${to - 1}/${result.bytes}`,
        },
        body: await result.stream({ from, to }),
      }
    }
  }
}

function outside({ bytes }: ResultObject): AppError {
  return new AppError('range_not_satisfiable', `The range lies outside of the ${bytes} bytes there are.`, {
    hint: 'The result_size of the job says how many bytes msgpack.gz has.',
  })
}

export const resultOperations: readonly Operation[] = [operation('GET', '/job/result/{job}', jobResult)]
