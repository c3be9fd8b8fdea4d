import type { Session } from '../../base/duckdb/session.ts'
import { lockDown, quotedText, withSession } from '../../base/duckdb/session.ts'
import { must } from '../../base/errors.ts'
import { fileSchemaClause, timeColumn } from '../columns.ts'
import type { Column } from '../store.ts'
import { duckdbFileType, quotedName } from '../types.ts'
import type { CheckFinding, CheckInput, CheckOutput, CheckedFile } from './tasks.ts'

/**
 * Reads files from end to end, every column of them, and compares them with what the catalog says, as an engine task. Bounds
 * have to enclose the values and need not be among them: engines that commit from outside cut theirs.
 */
export async function checkFiles(input: CheckInput): Promise<CheckOutput> {
  const { memoryBytes, threads, files } = input
  const limits = { memoryBytes, threads, temporaryBytes: 0, spillDirectory: null }
  return await withSession(limits, async (session) => {
    await lockDown(
      session,
      files.map(({ path }) => path),
    )
    const findings: (CheckFinding | null)[] = []
    for (const file of files) findings.push(await checkFile(session, file))
    return { findings }
  })
}

async function checkFile(session: Session, file: CheckedFile): Promise<CheckFinding | null> {
  try {
    const [footer] = await session.rows(`select num_rows from parquet_file_metadata(${quotedText(file.path)})`)
    const { answer, columns } = await readWhole(session, file)
    const [rows, first, last] = [Number(answer[0]), Number(answer[1]), Number(answer[2])]
    if (Number(footer?.[0]) !== rows) {
      return {
        what: 'unreadable',
        detail: `its footer tells of ${String(footer?.[0])} rows and it has ${rows}`,
        rows: null,
      }
    }
    return differences(file, columns, answer, { rows, first, last })
  } catch (error) {
    return { what: 'unreadable', detail: firstSentence(error, file.path), rows: null }
  }
}

/** One pass over the file, in which every column that the table has is decoded. */
async function readWhole(
  session: Session,
  { path, columns, statistics }: CheckedFile,
): Promise<{ answer: readonly unknown[]; columns: readonly Column[] }> {
  const items = columns.flatMap((column) => {
    const name = quotedName(column.name)
    const { min, max } = statistics[column.fieldId] ?? {}
    const isFlat = !['array', 'map', 'row', 'varbinary'].includes(column.type.kind)
    const outside = (bound: string | undefined, sign: '<' | '>'): string => {
      if (bound === undefined || !isFlat) return '0'
      // Bounds say nothing of what is not a number.
      const isNumber = column.type.kind === 'double' ? ` and not isnan(${name})` : ''
      const value = `try_cast(${quotedText(bound)} as ${duckdbFileType(column.type)})`
      return `count(*) filter (where ${name} ${sign} ${value}${isNumber})`
    }
    return [`count(${name})`, outside(min, '<'), outside(max, '>')]
  })
  const time = quotedName(
    must(
      columns.find(({ fieldId }) => fieldId === timeColumn.fieldId),
      'tables have times',
    ).name,
  )
  const source = `read_parquet(${quotedText(path)}, schema = ${fileSchemaClause(columns)})`
  const [answer] = await session.rows(`select count(*), min(${time}), max(${time}), ${items.join(', ')} from ${source}`)
  return { answer: must(answer, 'an aggregate has a row'), columns }
}

function differences(
  { rows: expected, timeRange, statistics }: CheckedFile,
  columns: readonly Column[],
  answer: readonly unknown[],
  { rows, first, last }: { rows: number; first: number; last: number },
): CheckFinding | null {
  if (rows !== expected) return { what: 'rows', detail: `it has ${rows} rows and not ${expected}`, rows }
  if (first < timeRange.from || last >= timeRange.to) {
    const detail = `its times reach from ${first} to ${last}, outside of [${timeRange.from}, ${timeRange.to})`
    return { what: 'time_range', detail, rows }
  }
  for (const [index, { fieldId, name, type }] of columns.entries()) {
    const own = statistics[fieldId]
    if (own === undefined) continue
    const [filled, below, above] = answer.slice(3 + 3 * index, 6 + 3 * index).map(Number)
    const nulls = rows - Number(filled)
    const isNested = ['array', 'map', 'row'].includes(type.kind)
    const wrong =
      !isNested && nulls !== own.nulls
        ? `has ${nulls} nulls and not ${own.nulls}`
        : below !== 0
          ? `has ${below} values below ${own.min}`
          : above !== 0
            ? `has ${above} values above ${own.max}`
            : undefined
    if (wrong !== undefined) return { what: 'statistics', detail: `its column "${name}" ${wrong}`, rows }
  }
  return null
}

/** What DuckDB says first, without the place in our file system. Its errors come as JSON. */
function firstSentence(error: unknown, path: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const found = /"exception_message":"((?:[^"\\]|\\.)*)"/.exec(message)?.[1]
  const text = found === undefined ? message : (JSON.parse(`"${found}"`) as string)
  return (text.split('\n')[0] ?? '').replaceAll(path, 'the file').slice(0, 500)
}
