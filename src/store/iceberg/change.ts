import { AppError } from '../../base/errors.ts'
import type { TableMetadata } from './metadata.ts'
import type { IcebergField } from './schema.ts'

/** What has to hold for a change to be made. */
export type Requirement =
  | { readonly kind: 'absent' }
  | { readonly kind: 'uuid'; readonly uuid: string }
  /** Null where the ref is not to exist. */
  | { readonly kind: 'ref'; readonly ref: string; readonly snapshot: number | null }
  | { readonly kind: 'last-column-id'; readonly id: number }
  | { readonly kind: 'current-schema-id'; readonly id: number }
  | { readonly kind: 'last-partition-id'; readonly id: number }
  | { readonly kind: 'default-spec-id'; readonly id: number }
  | { readonly kind: 'default-sort-order-id'; readonly id: number }

export interface ForeignSnapshot {
  readonly manifestList: string
  /** What it was written on; null where the table had no rows yet. */
  readonly parent: number | null
}

/** What another engine wants to change in a table, all of it or nothing. */
export interface TableChange {
  readonly requirements: readonly Requirement[]
  /** The snapshots that it adds, each on the one before, and the first on the table's present. */
  readonly snapshots: readonly ForeignSnapshot[]
  /** All fields of the schema that is to be the present one; undefined where it stays. */
  readonly fields: readonly IcebergField[] | undefined
  readonly location: string | undefined
  readonly setProperties: Readonly<Record<string, string>>
  readonly removedProperties: readonly string[]
}

/** Fails with `conflict` where the table is not as the client saw it. */
export function requireHolds(requirement: Requirement, metadata: TableMetadata): void {
  const { found, wanted, what } = comparison(requirement, metadata)
  if (found === wanted) return
  throw new AppError('conflict', `The ${what} of the table is ${found ?? 'none'}, and not ${wanted ?? 'none'}.`, {
    hint: 'Load the table again, and commit on what it is now.',
  })
}

interface Comparison {
  readonly what: string
  readonly found: string | number | null
  readonly wanted: string | number | null
}

function comparison(requirement: Requirement, metadata: TableMetadata): Comparison {
  switch (requirement.kind) {
    case 'absent':
      return { what: 'uuid', found: metadata['table-uuid'], wanted: null }
    case 'uuid':
      return { what: 'uuid', found: metadata['table-uuid'], wanted: requirement.uuid.toLowerCase() }
    case 'ref': {
      const found = metadata.refs[requirement.ref]?.['snapshot-id'] ?? null
      return { what: `snapshot of the ref ${requirement.ref}`, found, wanted: requirement.snapshot }
    }
    case 'last-column-id':
      return { what: 'last column id', found: metadata['last-column-id'], wanted: requirement.id }
    case 'current-schema-id':
      return { what: 'current schema id', found: metadata['current-schema-id'], wanted: requirement.id }
    case 'last-partition-id':
      return { what: 'last partition id', found: metadata['last-partition-id'], wanted: requirement.id }
    case 'default-spec-id':
      return { what: 'default spec id', found: metadata['default-spec-id'], wanted: requirement.id }
    case 'default-sort-order-id':
      return { what: 'default sort order id', found: metadata['default-sort-order-id'], wanted: requirement.id }
  }
}
