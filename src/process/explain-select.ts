import { answerRows } from './answer-rows.ts'
import type { PlannedSelect } from './plan-select.ts'
import { planSelect, statisticsOf } from './plan-select.ts'
import type { ChosenScan } from './planning/choose-chunks.ts'
import { bytesOf, formatBytes } from './planning/choose-chunks.ts'
import type { SelectText } from './planning/statement.ts'
import type { QueryOutput } from './process.ts'
import type { QueryContext } from './query-context.ts'

/** Tells what a SELECT would read, and how DuckDB would go about it, in lines of text. Nothing is read. */
export async function explainSelect(context: QueryContext, select: SelectText): Promise<QueryOutput> {
  const planned = await planSelect(context, select, { explain: true })
  const lines = [
    ...(planned.fromMetadata ? [] : planned.scans.flatMap(scanLines)),
    ...totalLines(context, planned),
    '',
    ...planned.plan.explained,
  ]
  const known = { columns: [{ name: 'plan', kind: 'varchar' as const }], rows: lines.map((line) => [line]) }
  return await answerRows(context, 'explain', known, statisticsOf(planned, 0))
}

/** Beyond this many, ranges are counted and not shown. */
const rangesShown = 5

function scanLines({ plan, chunks, chunksInTime, bytes, snapshot }: ChosenScan): string[] {
  const columns = plan.columns.length === 0 ? 'none' : plan.columns.join(', ')
  const ranges = plan.ranges.slice(0, rangesShown).map(({ from, to }) => `${instant(from)} to ${instant(to)}`)
  const more = plan.ranges.length - ranges.length
  return [
    `Scan ${snapshot.table.database}.${snapshot.table.name} at snapshot ${snapshot.table.snapshot}`,
    `  columns: ${columns}`,
    `  time: ${plan.ranges.length === 0 ? 'never' : ranges.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    `  chunks: ${chunks.length} of ${snapshot.chunkCount}${leftOut(snapshot.chunkCount - chunksInTime, chunksInTime - chunks.length)}`,
    `  bytes: ${formatBytes(bytes)}`,
    ...plan.notUnderstood.map((filter) => `  no chunk is left out by: ${shortened(filter)}${timeHint(filter)}`),
  ]
}

function leftOut(byTime: number, byStatistics: number): string {
  const parts = [
    ...(byTime > 0 ? [`${byTime} left out by time`] : []),
    ...(byStatistics > 0 ? [`${byStatistics} left out by statistics`] : []),
  ]
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

const filterCharactersMax = 120

function shortened(filter: string): string {
  const line = filter.replaceAll(/\s+/g, ' ')
  return line.length > filterCharactersMax ? `${line.slice(0, filterCharactersMax)}…` : line
}

/** Times are what most queries are narrow in, so that this is what people lose most by. */
function timeHint(filter: string): string {
  return /\btime\b/.test(filter) ? ' (compare time itself with constants, beside it)' : ''
}

function totalLines({ limits }: QueryContext, { scans, fromMetadata }: PlannedSelect): string[] {
  if (fromMetadata) return ['Answered from metadata: reads nothing']
  return [`Reads ${formatBytes(bytesOf(scans))} of at most ${formatBytes(limits.scanBytes)}`]
}

/** Seconds, and the date where there is one; the end of a range is not inside of it. */
function instant(seconds: number): string {
  if (!Number.isFinite(seconds)) return seconds < 0 ? 'the beginning' : 'the end'
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : `${seconds} (${date.toISOString().slice(0, 19)}Z)`
}
