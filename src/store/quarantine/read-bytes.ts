import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Queryable } from '../../base/postgres/postgres.ts'
import { selectBytes } from './entries.sql.ts'

/** The bytes that are read of each of the records, mended where they were. What is gone is left out. */
export async function readBytes(
  { postgres, objects }: { readonly postgres: Queryable; readonly objects: ObjectStore },
  accountId: number,
  ids: readonly number[],
): Promise<Map<number, Buffer>> {
  const found = new Map<number, Buffer>()
  for (const { id, bytes, object_key: key } of await selectBytes(postgres, accountId, ids)) {
    found.set(id, key === null ? bytes : await objects.get(key))
  }
  return found
}
