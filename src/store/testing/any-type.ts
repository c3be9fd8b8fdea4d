import fc from 'fast-check'

import type { LogicalType, ScalarKind } from '../types.ts'

type SimpleKind = Exclude<ScalarKind, 'decimal'>

const scalar: fc.Arbitrary<LogicalType> = fc.oneof(
  fc
    .constantFrom<SimpleKind>('boolean', 'bigint', 'double', 'varchar', 'varbinary', 'date', 'timestamp', 'json')
    .map((kind) => ({ kind })),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) =>
      fc.integer({ min: 0, max: precision }).map((scale) => ({ kind: 'decimal' as const, precision, scale })),
    ),
)

const fieldNames = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }), {
  minLength: 1,
  maxLength: 3,
  selector: (name) => name.toLowerCase(),
})

/** Any type, nested a few levels deep, for property tests. */
export const anyType: fc.Arbitrary<LogicalType> = fc.letrec<{ type: LogicalType }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    tie('type').map((element) => ({ kind: 'array' as const, element })),
    fc.tuple(scalar, tie('type')).map(([key, value]) => ({ kind: 'map' as const, key, value })),
    fieldNames
      .chain((names) => fc.tuple(...names.map((name) => tie('type').map((type) => ({ name, type })))))
      .map((fields) => ({ kind: 'row' as const, fields })),
  ),
})).type
