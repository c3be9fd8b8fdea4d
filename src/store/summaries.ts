import type { Queryable } from '../base/postgres/postgres.ts'
import type { FieldVersions } from './field-versions.ts'
import { knownFields, placeOf } from './find-chunks.ts'
import type { Summary, SummaryItem } from './conditions.ts'
import type { TableSnapshot, TimeRange } from './store.ts'
import type { Figure } from './summaries.sql.ts'
import { selectSummary } from './summaries.sql.ts'
import type { LogicalType } from './types.ts'

/** Answers `Store.summarize`. */
export async function summarize(
  db: Queryable,
  fieldVersions: FieldVersions,
  snapshot: TableSnapshot,
  range: TimeRange,
  items: readonly SummaryItem[],
): Promise<Summary | undefined> {
  const fieldIds = items.flatMap((item) => (item.kind === 'rows' ? [] : [item.fieldId]))
  const fields = await knownFields(fieldVersions, snapshot, fieldIds)
  const figures: Figure[] = []
  for (const item of items) {
    const field = item.kind === 'rows' ? null : fields.get(item.fieldId)
    if (field === undefined || (field !== null && !isExact(item.kind, field.type))) return undefined
    figures.push({ kind: item.kind, field })
  }
  const values = await selectSummary(db, placeOf(snapshot, [range]), figures)
  return values?.some((value, index) => isZero(value, figures[index])) === true ? undefined : values
}

/** Whether statistics have this figure of the type: not of nested columns, and of texts no bounds, which may be cut. */
function isExact(kind: Figure['kind'], { kind: type }: LogicalType): boolean {
  if (type === 'array' || type === 'map' || type === 'row') return false
  return kind === 'count' || (type !== 'varchar' && type !== 'json' && type !== 'varbinary')
}

/** Bounds do not tell 0.0 from -0.0, and a scan answers with whichever it met. */
function isZero(value: string | null, figure: Figure | undefined): boolean {
  return figure?.kind !== 'count' && figure?.field?.type.kind === 'double' && Number(value ?? 1) === 0
}
