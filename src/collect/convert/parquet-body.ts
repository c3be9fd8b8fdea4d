import { AppError, must } from '../../base/errors.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { rescuedColumn, timeColumn, timeUsColumn } from '../../store/columns.ts'
import { duckdbFileType, quotedName } from '../../store/types.ts'
import { inflatedBytesMax, parquetRowsMax, rejectedRecordsMax } from '../limits.ts'
import type { Session } from './duckdb.ts'
import { quotedText, withSession } from './duckdb.ts'
import { encodeParquet } from './encode.ts'
import type { ColumnMapping, SourceColumn } from './parquet-columns.ts'
import { mapColumns } from './parquet-columns.ts'
import { microsecondsOf } from './parquet-time.ts'
import type { FileColumn, TableDraft } from './table-draft.ts'
import type { SchemaMode } from '../split/splitter.ts'
import type { ConvertBody, ConvertedBody, ConvertedFile, RejectedRow } from './tasks.ts'
import type { RowWriterOptions } from './write-rows.ts'

/** Names of columns that we add to those of the body, which can have no control character in theirs. */
const micros = '"micros\u0001"'
const rowNumber = '"row\u0001"'
const misfit = '"misfit\u0001"'

interface Converted {
  readonly files: readonly ConvertedFile[]
  readonly body: ConvertedBody
}

/**
 * Takes over a body that is Parquet already: its footer is checked before anything is read, and its columns find their
 * places in the table. Fails with `body_malformed`, `inflated_too_large`, `unsupported_format` or `too_many_columns`.
 */
export async function convertParquet(
  bytes: Buffer,
  body: ConvertBody,
  draft: TableDraft,
  {
    disk,
    session,
    path,
    parquetVersion,
    schemaMode,
  }: Omit<RowWriterOptions, 'lend'> & { readonly schemaMode: SchemaMode },
): Promise<Converted> {
  requireFooter(bytes)
  const sourcePath = `${path}.source.parquet`
  const file = await disk.open(sourcePath, 'create')
  await file.write(bytes, 0).finally(() => file.close())
  // How many rows there are, and so how many threads are of use, is known when the session is locked already.
  return await withSession({ ...session, threads: 1 }, async (opened) => {
    const rows = await readable(sourcePath, () => requireModestClaims(opened, sourcePath))
    const sources = await readable(sourcePath, () => openSource(opened, sourcePath))
    if (rows === 0) return { files: [], body: { rows: 0, rejected: 0, rejectedRows: [], error: null } }
    return await readable(sourcePath, () =>
      convert(opened, { rows, sources, body, draft, path, parquetVersion, schemaMode }),
    )
  })
}

interface Plan {
  readonly rows: number
  readonly sources: readonly SourceColumn[]
  readonly body: ConvertBody
  readonly draft: TableDraft
  readonly path: string
  readonly parquetVersion: ParquetVersion
  readonly schemaMode: SchemaMode
}

async function convert(session: Session, plan: Plan): Promise<Converted> {
  const { rows, sources, body, draft, path, parquetVersion, schemaMode } = plan
  const timeSource = findTimeSource(sources, body.timeColumn)
  const mapping = mapColumns(sources, draft.columns, timeSource?.name ?? null, schemaMode === 'evolve')
  const said = timeSource === undefined ? 'null' : microsecondsOf(timeSource)
  const given = timeSource === undefined ? 'null' : quotedName(timeSource.name)
  const receivedAt = `cast(${body.receivedAtUs} as bigint)`
  // Rows that do not fit are left out as those without a time are.
  await session.run(`create temp view timed as
    select *, case when ${misfit} is not null then null when ${given} is null then ${receivedAt} else ${said} end as ${micros}
      from (select *, ${schemaMode === 'quarantine' ? misfitOf(mapping) : 'null::varchar'} as ${misfit} from source)`)
  const [facts] = await session.rows(`
    select count(${micros}), min(${micros}), max(${micros}),
           count(*) filter (${micros} % 1000000 <> 0) from timed`)
  const [kept, first, last, fractions] = must(facts, 'an aggregate has a row').map(Number)
  const rejected = rows - must(kept, 'a count')
  const rejectedRows = rejected === 0 ? [] : await readRejected(session, sources, timeSource)
  const readAs = { format: 'json', header: null } as const
  const outcome: ConvertedBody = { rows: rows - rejected, rejected, rejectedRows, readAs, error: null }
  if (outcome.rows === 0) return { files: [], body: outcome }
  const { columns, query } = selection(draft, mapping, fractions !== 0)
  const seconds = Math.floor(must(last, 'a last time') / 1e6) - Math.floor(must(first, 'a first time') / 1e6)
  const encoding = { query, columns, rows: outcome.rows, seconds, isSorted: false, path, parquetVersion }
  const files = await encodeParquet(session, encoding)
  return { files, body: outcome }
}

/** The columns of the file, and the SQL that makes them. */
function selection(
  draft: TableDraft,
  { columns, rescued }: ColumnMapping,
  hasFractions: boolean,
): { columns: FileColumn[]; query: string } {
  const entries = rescued.map(
    ({ name, text, condition }) => `{key: ${quotedText(name)}, value: case when ${condition} then ${text} end}`,
  )
  const kept = `list_filter([${entries.join(', ')}], lambda entry: entry.value is not null)`
  const fraction = `case when ${micros} % 1000000 <> 0 then ${micros} end`
  const all = [
    { ...timeColumn, value: secondsOf(micros) },
    ...(hasFractions ? [{ ...timeUsColumn, value: fraction }] : []),
    ...columns,
    ...(rescued.length === 0
      ? []
      : [{ ...rescuedColumn, value: `case when len(${kept}) > 0 then map_from_entries(${kept}) end` }]),
  ]
  const resolved = draft.resolve(all)
  const expressions = resolved.map(({ name, type }, index) => {
    const { value } = must(all[index], 'as many columns')
    return `cast(${value} as ${duckdbFileType(type)}) as ${quotedName(name)}`
  })
  return { columns: resolved, query: `select ${expressions.join(', ')} from timed where ${micros} is not null` }
}

/** Whole seconds, rounded down also before the epoch. */
function secondsOf(micros: string): string {
  return `(${micros} // 1000000 - case when ${micros} < 0 and ${micros} % 1000000 <> 0 then 1 else 0 end)`
}

function findTimeSource(sources: readonly SourceColumn[], timeColumn: string | null): SourceColumn | undefined {
  const source = sources.find(({ name }) => name === (timeColumn ?? 'time'))
  if (source !== undefined || timeColumn === null) return source
  throw malformed(`it has no column ${JSON.stringify(timeColumn)}, which should hold the time`)
}

/** Magic, and a footer that lies within the file (parquet-format, README.md, "File format"). */
function requireFooter(bytes: Buffer): void {
  const isFramed =
    bytes.byteLength >= 12 &&
    bytes.toString('latin1', 0, 4) === 'PAR1' &&
    bytes.toString('latin1', bytes.byteLength - 4) === 'PAR1'
  if (!isFramed) throw malformed('it does not begin and end with PAR1')
  const footerBytes = bytes.readUInt32LE(bytes.byteLength - 8)
  if (footerBytes > bytes.byteLength - 12) throw malformed('its footer is longer than the file')
}

/** A footer may claim anything; what it claims is what reading would cost. Returns the number of rows. */
async function requireModestClaims(session: Session, path: string): Promise<number> {
  const [file] = await session.rows(`select num_rows from parquet_file_metadata(${quotedText(path)})`)
  const rows = Number(must(file, 'a file has metadata')[0])
  if (rows > parquetRowsMax) {
    throw new AppError('inflated_too_large', `The Parquet file claims ${rows} rows; ${parquetRowsMax} are allowed.`, {
      hint: 'Send it in parts, each with an id of its own.',
    })
  }
  const [sizes] = await session.rows(`
    select coalesce(sum(total_uncompressed_size), 0)::bigint from parquet_metadata(${quotedText(path)})`)
  const inflated = Number(must(sizes, 'a sum has a row')[0])
  if (inflated > inflatedBytesMax) {
    throw new AppError(
      'inflated_too_large',
      `The Parquet file claims ${inflated} bytes without compression; ${inflatedBytesMax} are allowed.`,
      { hint: 'Send it in parts, each with an id of its own.' },
    )
  }
  return rows
}

async function openSource(session: Session, path: string): Promise<SourceColumn[]> {
  await session.run(`create temp view source as
    select *, row_number() over () - 1 as ${rowNumber} from read_parquet(${quotedText(path)})`)
  const answer = await session.connection.run(`select * exclude (${rowNumber}) from source limit 0`)
  const types = answer.columnTypes()
  return answer.columnNames().map((name, index) => ({ name, type: must(types[index], 'every column has a type') }))
}

/** The first column of which a row has a value that would be rescued, and why. */
function misfitOf({ columns, rescued }: ColumnMapping): string {
  const known = new Set(columns.map(({ name }) => name))
  const cases = rescued.map(({ name, condition }) => {
    const problem = known.has(name) ? 'its value does not fit the column' : 'there is no column for it'
    return ` when ${condition} then ${quotedText(`${JSON.stringify(name)}: ${problem}`)}`
  })
  return cases.length === 0 ? 'null::varchar' : `case${cases.join('')} end`
}

/** Each row as JSON, whole: it is all that is kept of it. */
async function readRejected(
  session: Session,
  sources: readonly SourceColumn[],
  timeSource: SourceColumn | undefined,
): Promise<RejectedRow[]> {
  const time = timeSource === undefined ? 'null' : quotedName(timeSource.name)
  const fields = sources.map(({ name }) => `${quotedName(name)} := ${quotedName(name)}`)
  const whole = fields.length === 0 ? 'null' : `cast(to_json(struct_pack(${fields.join(', ')})) as varchar)`
  const rows = await session.rows(`
    select ${rowNumber}, ${misfit}, cast(${time} as varchar)[:100],
           ${whole}
      from timed where ${micros} is null limit ${rejectedRecordsMax}`)
  return rows.map(([number, problem, value, json]) => {
    const raw = Buffer.from(String(json))
    const noTime = `the value of ${JSON.stringify(timeSource?.name)} is no time: ${String(value)}`
    return {
      recordNumber: Number(number),
      byteOffset: null,
      reason: problem === null ? 'time' : 'schema',
      detail: problem === null ? noTime : String(problem),
      raw,
      rawBytes: raw.byteLength,
      path: null,
    }
  })
}

/** What DuckDB says of the file is about the sender's data; where it lies here is nobody's business. */
async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AppError || !(error instanceof Error) || error.message.startsWith('assertion failed'))
      throw error
    throw malformed(error.message.replaceAll(path, 'the file').split('\n')[0] ?? '', error)
  }
}

function malformed(problem: string, cause?: unknown): AppError {
  return new AppError('body_malformed', `The body cannot be read as Parquet: ${problem}.`, {
    hint: 'Check that the file is whole, and readable with another tool.',
    cause,
  })
}
