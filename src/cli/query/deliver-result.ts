import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { finished } from 'node:stream/promises'

import type { Job } from '../answers.ts'
import { countText } from '../amounts.ts'
import type { Client } from '../client.ts'
import { errno } from '../../base/disk.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure, usage } from '../failure.ts'
import type { Cell, RowSet } from '../output/cells.ts'
import { binaryFormats, formatOfFileName, requireFormat, textFormats } from '../output/formats.ts'
import type { OutputFormat } from '../output/formats.ts'
import { printRows, refuseBytesOnTerminal } from '../output/printer.ts'
import { linesOf, readCells } from '../output/result-rows.ts'
import { formatRows } from '../output/write-rows.ts'
import { tell, write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { downloadResult } from './download.ts'
import type { ResultFormat } from './download.ts'

export const resultFormats = [...textFormats, ...binaryFormats] as const

export interface ResultOptions {
  /** Undefined: what fits the file or the reader. */
  readonly format: string | undefined
  /** The file; undefined for standard output. */
  readonly output: string | undefined
  /** Rows that a format for people shows at most. */
  readonly limit: number
}

/** Rows that are shown to people unless they ask for more: a screen scrolls, and memory ends. */
export const rowsShown = 1000

/** The format as early as it can be known, so that a mistake costs no query. Undefined: what fits the reader. */
export function chosenFormat(terminal: Terminal, { format, output }: ResultOptions): OutputFormat | undefined {
  const asked = format === undefined ? undefined : requireFormat<OutputFormat>(format, resultFormats)
  if (output !== undefined) {
    const chosen = asked ?? formatOfFileName(output)
    if (chosen === undefined)
      throw usage(`The name ${output} does not say in which format.`, `Add -f, one of: ${resultFormats.join(', ')}.`)
    return chosen
  }
  const isBinary = binaryFormats.some((name) => name === asked)
  if (asked !== undefined && isBinary) refuseBytesOnTerminal(terminal, asked)
  return asked
}

/** In which format the server is going to be asked for the result. */
export function downloadedFormat(terminal: Terminal, options: ResultOptions): ResultFormat {
  const format = chosenFormat(terminal, options)
  if (format !== undefined) return serverFormat(format)
  return options.output === undefined && terminal.stdout.isTTY === true ? 'ndjson' : 'tsv'
}

/** What is shown to people, and an array of objects, is made here of lines of JSON. */
function serverFormat(format: OutputFormat): ResultFormat {
  switch (format) {
    case 'table':
    case 'vertical':
    case 'markdown':
    case 'json':
      return 'ndjson'
    default:
      return format
  }
}

/** Brings the result of a job that succeeded to where it is wanted. */
export async function deliverResult(
  client: Client,
  terminal: Terminal,
  job: Job,
  options: ResultOptions,
): Promise<void> {
  const result = job.query?.result
  if (result === null || result === undefined) throw new Failure(exitCodes.notFound, `Job ${job.id} has no result.`)
  if (!result.downloadable)
    return tell(terminal, `${result.statement.replaceAll('_', ' ')}: ${countText(result.rows, 'row')}`)
  const format = chosenFormat(terminal, options)
  if (options.output !== undefined) {
    await writeFile(options.output, pieces(client, terminal, job, format ?? 'tsv', options.limit))
    return tell(terminal, `Wrote ${countText(result.rows, 'row')} to ${options.output}.`)
  }
  if (format === undefined && terminal.stdout.isTTY === true) {
    return await printRows(terminal, resultRows(client, terminal, job, options.limit), undefined)
  }
  for await (const piece of pieces(client, terminal, job, format ?? 'tsv', options.limit))
    await write(terminal.stdout, piece)
}

/** The result in any format: as the server makes it, or made here of its lines of JSON. */
function pieces(
  client: Client,
  terminal: Terminal,
  job: Job,
  format: OutputFormat,
  limit: number,
): AsyncIterable<string | Uint8Array> {
  switch (format) {
    case 'table':
    case 'vertical':
    case 'markdown':
      return formatRows(format, resultRows(client, terminal, job, limit))
    case 'json':
      return jsonArray(linesOf(downloadResult(client, terminal, job, 'ndjson')))
    default:
      return downloadResult(client, terminal, job, format)
  }
}

function resultRows(client: Client, terminal: Terminal, job: Job, limit: number): RowSet {
  const { columns, rows: total } = job.query?.result ?? { columns: [], rows: 0 }
  async function* rows(): AsyncGenerator<Cell[]> {
    let shown = 0
    for await (const line of linesOf(downloadResult(client, terminal, job, 'ndjson'))) {
      if (shown === limit)
        return tell(terminal, `${limit} of ${countText(total, 'row')}; --limit shows more, -o FILE keeps all.`)
      shown++
      yield readCells(line)
    }
  }
  return { columns: columns.map(({ name }) => name), rows: rows() }
}

/** Lines of JSON as an array of the same objects. */
async function* jsonArray(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let separator = '['
  for await (const line of lines) {
    yield `${separator}\n${line}`
    separator = ','
  }
  yield separator === '[' ? '[]\n' : '\n]\n'
}

/** The file appears under its name when it is whole. */
async function writeFile(name: string, content: AsyncIterable<string | Uint8Array>): Promise<void> {
  const partial = `${name}.part`
  try {
    const file = createWriteStream(partial)
    const done = finished(file)
    // A disk that is full fails `done` while the download goes on; the loop below must hear of it.
    done.catch(() => {})
    for await (const piece of content) {
      if (file.errored !== null) break
      await write(file, piece)
    }
    file.end()
    await done
    await rename(partial, name)
  } catch (error) {
    await rm(partial, { force: true })
    if (errno(error) === undefined) throw error
    throw usage(
      `${name} cannot be written (${errno(error)}).`,
      'Check the path, its permissions and the space on the disk.',
    )
  }
}
