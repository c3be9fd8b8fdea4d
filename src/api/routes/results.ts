import { AppError } from '../../base/errors.ts'
import { resultMediaTypes } from '../../deliver/deliver.ts'
import type { Deliver, ResultFormat, ResultObject } from '../../deliver/deliver.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import { selectBytes } from '../../base/http/byte-range.ts'
import { getJobResult } from '../contract/jobs.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { visibleJob } from './jobs.ts'

export function serveResults(host: OperationHost, jobs: Jobs, deliver: Deliver): void {
  serveOperation(host, getJobResult).with(async ({ principal, params, query, headers, method, header }) => {
    const job = await visibleJob(jobs, principal, params.job)
    const format = query.format ?? formatOfAccept(headers.accept)
    const result = await deliver.result(job, format)
    const selection = selectBytes(headers, result)
    const common = { etag: result.etag, 'cache-control': 'private, no-cache', vary: 'Accept, Authorization' }
    if (selection.status === 416) {
      header('content-range', `bytes */${result.bytes}`)
      throw outside(headers.range, result.bytes)
    }
    if (selection.status === 304) return { status: 304, headers: common }
    const [from, to] = selection.status === 206 ? [selection.from, selection.to] : [0, result.bytes]
    return {
      status: selection.status,
      body: method === 'HEAD' ? undefined : await bodyOf(result, from, to),
      headers: {
        ...common,
        'content-type': result.contentType,
        'content-length': String(to - from),
        'content-disposition': `attachment; filename="job-${job.id}.${format}"`,
        'accept-ranges': 'bytes',
        ...(selection.status === 206 && { 'content-range': `bytes ${from}-${to - 1}/${result.bytes}` }),
      },
    }
  })
}

async function bodyOf(result: ResultObject, from: number, to: number) {
  if (result.whole !== undefined) return result.whole.subarray(from, to)
  return from === 0 && to === result.bytes ? await result.stream() : await result.stream({ from, to })
}

function outside(range: string | undefined, bytes: number): AppError {
  return new AppError(
    'range_not_satisfiable',
    `The range “${range ?? ''}” lies outside of the ${bytes} bytes there are.`,
    {
      hint: 'Ask for less, or without the header Range for everything.',
    },
  )
}

/** The first format that Accept names; weights are not looked at. What names none gets JSON. */
function formatOfAccept(accept: string | undefined): ResultFormat {
  const wanted = (accept ?? '').split(',').map((range) => range.split(';', 1)[0]?.trim().toLowerCase())
  const formats = Object.entries(resultMediaTypes) as [ResultFormat, string][]
  for (const mediaType of wanted) {
    const found = formats.find(([, known]) => known === mediaType)
    if (found !== undefined) return found[0]
  }
  return 'json'
}
