import { timeColumn } from '../columns.ts'
import type { TimeRange } from '../store.ts'

// Two ways in which the files of one table are partitioned, side by side. A file has one value of each partition field, so
// only files within an hour can have that of their hour. Iceberg's own `hour()` is for timestamps; `truncate` prunes as well.

export const hourSeconds = 3600

export type SpecId = 0 | 1

export interface PartitionSpec {
  readonly 'spec-id': SpecId
  readonly fields: readonly {
    readonly name: string
    readonly transform: string
    readonly 'source-id': number
    readonly 'field-id': number
  }[]
}

const hourField = {
  name: 'time_hour',
  transform: `truncate[${hourSeconds}]`,
  'source-id': timeColumn.fieldId,
  'field-id': 1000,
} as const

/** The first is what other engines write by: their files are not cut at hours. */
export const partitionSpecs: readonly PartitionSpec[] = [
  { 'spec-id': 0, fields: [] },
  { 'spec-id': 1, fields: [hourField] },
]

export const lastPartitionId = hourField['field-id']

/** The hour that a file lies in as a whole, as seconds; undefined where it crosses into another one. */
export function hourOf({ from, to }: TimeRange): number | undefined {
  const hour = Math.floor(from / hourSeconds)
  return hour === Math.floor((to - 1) / hourSeconds) ? hour * hourSeconds : undefined
}

/** What a file of the spec has as partition: nothing, or its hour. */
export function partitionOf(spec: SpecId, timeRange: TimeRange): Readonly<Record<string, number>> {
  const hour = hourOf(timeRange)
  return spec === 0 || hour === undefined ? {} : { [hourField.name]: hour }
}

export function specFields(spec: SpecId): PartitionSpec['fields'] {
  return spec === 0 ? [] : [hourField]
}
