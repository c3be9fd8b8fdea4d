import { copyToChunks } from '../../base/duckdb/copied-file.ts'
import { diskFailure } from '../../base/duckdb/disk-failures.ts'
import { lockDown, quotedText, withSession } from '../../base/duckdb/session.ts'
import type { EngineHandler } from '../../base/engines/engines.ts'
import { AppError, must } from '../../base/errors.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { parquetVersionDefault } from '../../base/parquet/version.ts'
import { chunkOptions } from '../../store/parquet-options.ts'
import { quotedName } from '../../store/types.ts'
import type { ExportInput, ExportOutput } from './export-input.ts'

/** The handler of `exportTask`: writes a stored result, in its order, as a file of a table. */
export function exportHandler(version: ParquetVersion = parquetVersionDefault): EngineHandler {
  return (input: ExportInput) => writeExport(input, version)
}

async function writeExport(input: ExportInput, version: ParquetVersion): Promise<ExportOutput> {
  const { source, path, memoryBytes } = input
  // One thread keeps the order.
  const limits = { memoryBytes, threads: 1, temporaryBytes: 0, spillDirectory: null }
  return await withSession(limits, async (session) => {
    await lockDown(session, [source, path])
    try {
      const [written] = await copyToChunks(session, copyStatement(input, version))
      return must(written, 'COPY answers with what it wrote')
    } catch (error) {
      throw expectedFailure(error, input) ?? error
    }
  })
}

function copyStatement(
  { source, path, projection, columnCount, fieldIds }: ExportInput,
  version: ParquetVersion,
): string {
  const items = projection.map(({ expression, name }) => `${expression} as ${quotedName(name)}`)
  const names = Array.from({ length: columnCount }, (_, index) => `c${index}`)
  const options = [...chunkOptions(fieldIds, projection.length, version), 'use_tmp_file false']
  return `copy (select ${items.join(', ')} from read_parquet(${quotedText(source)}) as answer(${names.join(', ')}))
            to ${quotedText(path)} (${options.join(', ')})`
}

/** What the rows themselves can bring about. Whatever else DuckDB says of a file of ours is a bug. */
function expectedFailure(error: unknown, { memoryBytes }: ExportInput): AppError | undefined {
  if (!(error instanceof Error)) return undefined
  const { message } = error
  const failure = diskFailure(error)
  if (failure !== undefined) return failure
  const [, type = ''] = /"exception_type":"([^"]*)"/.exec(message) ?? []
  if (type === 'Out of Memory') {
    return new AppError('query_memory_exceeded', `The result needs more than ${memoryBytes} bytes to be exported.`, {
      hint: 'Select fewer or smaller columns.',
      cause: error,
    })
  }
  if (!['Invalid Input', 'Conversion', 'Out of Range'].includes(type)) return undefined
  const said = JSON.parse(message.slice(message.indexOf('{'))) as { readonly exception_message?: string }
  return new AppError('query_data', `The result does not fit the table: ${said.exception_message ?? type}`, {
    hint: 'Cast the column in the query, or give the table a wider type.',
    cause: error,
  })
}
