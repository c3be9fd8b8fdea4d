import { bytesText, countText } from '../amounts.ts'
import type { TableLayout } from '../answers.ts'

const nameWidth = 20
const countWidth = 9

/** A picture of a layout: what there is in lines, and a bar for each hour or day. `#` is archive, `+` realtime. */
export function layoutLines(layout: TableLayout, width: number): string[] {
  return [...layerLines(layout), ...figureLines(layout), ...histogramLines(layout, width), ...largestLines(layout)]
}

function layerLines({ layers, snapshot }: TableLayout): string[] {
  if (layers.length === 0) return [`Snapshot ${snapshot} has no chunks.`]
  const rows = layers.map(({ layer, chunks, rows: count, bytes, from, to }) => {
    const span = `${momentText(from)} to ${momentText(to)}`
    return [layer, countText(chunks, 'chunk'), countText(count, 'row'), bytesText(bytes), span]
  })
  return [`Snapshot ${snapshot}`, ...aligned(rows)]
}

function figureLines(layout: TableLayout): string[] {
  const { merges_due: due, overlap, history, damaged } = layout
  const small = layout.layers.reduce((sum, layer) => sum + layer.small_chunks, 0)
  const smallBytes = layout.layers.reduce((sum, layer) => sum + layer.small_bytes, 0)
  const merges = due.minor + due.major
  const dueText = `${countText(merges, 'merge')} due, of ${countText(due.chunks, 'chunk')} with ${bytesText(due.bytes)}`
  const about = overlap.exact ? '' : 'about '
  return [
    '',
    ...aligned([
      ['small files', `${small} below ${bytesText(layout.small_bytes_max)}, ${bytesText(smallBytes)} in them`],
      ['merges', merges === 0 ? 'none due' : dueText],
      ['overlap', `${about}${overlap.deepest} at most, ${overlap.average.toFixed(2)} on average`],
      ['history', `${countText(history.chunks, 'chunk')}, ${bytesText(history.bytes)}`],
      ...(damaged.chunks === 0
        ? []
        : [['damaged', `${countText(damaged.chunks, 'chunk')} set aside, with ${countText(damaged.rows, 'row')}`]]),
    ]),
  ]
}

function histogramLines({ histogram: { step_seconds: seconds, steps } }: TableLayout, width: number): string[] {
  if (steps.length === 0) return []
  const isHours = seconds < 86_400
  const most = Math.max(...steps.map(({ realtime, archive }) => realtime + archive))
  const room = Math.max(10, width - nameWidth - 2 * countWidth - 2)
  const step = isHours ? 'hour' : seconds === 86_400 ? 'day' : `${seconds / 86_400} days`
  const title = `${step.padEnd(nameWidth)}${'chunks'.padStart(countWidth)}${'bytes'.padStart(countWidth)}  # archive  + realtime`
  const lines = steps.map(({ from, realtime, archive, bytes }) => {
    const name = momentText(from).slice(0, isHours ? 16 : 10)
    const all = Math.max(1, Math.round((room * (realtime + archive)) / most))
    const old = Math.round((all * archive) / (realtime + archive))
    const bar = '#'.repeat(old) + '+'.repeat(all - old)
    return `${name.padEnd(nameWidth)}${String(realtime + archive).padStart(countWidth)}${bytesText(bytes).padStart(countWidth)}  ${bar}`
  })
  return ['', title, ...lines]
}

function largestLines({ largest }: TableLayout): string[] {
  if (largest.length === 0) return []
  const rows = largest.map(({ id, layer, rows: count, bytes, from, to }) => {
    return [id, layer, countText(count, 'row'), bytesText(bytes), `${momentText(from)} to ${momentText(to)}`]
  })
  return ['', 'Largest chunks', ...aligned(rows)]
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
}

/** Beyond what dates can say, the seconds. */
function momentText(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 19).replace('T', ' ')
}
