import type { TimeRange } from '../store.ts'
import { hourSeconds, mergeRules as rules } from './rules.ts'

/** How many rows there are in an hour, counted from the epoch. */
export interface HourRows {
  readonly hour: number
  readonly rows: number
}

/** A part of the time that becomes a file, or several where it has more bytes than one may have. */
export interface FileCut {
  /** Whole hours. */
  readonly timeRange: TimeRange
  readonly rows: number
}

/**
 * Cuts rows, by the hours that they are in, into files: a file has whole hours, as many as it takes to be large. An hour that
 * is large by itself begins a file, so that rows sent late do not stretch the file of another hour over their own.
 */
export function cutFiles(hours: readonly HourRows[], bytesPerRow: number): FileCut[] {
  const cuts: FileCut[] = []
  let isOpen = false
  for (const { hour, rows } of hours) {
    const isLarge = rows * bytesPerRow >= rules.archiveBytesMin
    const last = cuts.at(-1)
    const timeRange = { from: hour * hourSeconds, to: (hour + 1) * hourSeconds }
    if (last !== undefined && isOpen && !isLarge) {
      cuts[cuts.length - 1] = { timeRange: { ...last.timeRange, to: timeRange.to }, rows: last.rows + rows }
    } else {
      cuts.push({ timeRange, rows })
    }
    isOpen = (cuts.at(-1)?.rows ?? 0) * bytesPerRow < rules.archiveBytesMin
  }
  return cuts
}
