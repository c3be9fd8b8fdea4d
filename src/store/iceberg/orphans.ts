import type { ObjectWalk } from '../../base/objects/object-walk.ts'
import { tableOfKey } from './keys.ts'
import type { IcebergPorts } from './materialise.ts'
import { selectListLocations, selectReferredKeys } from './orphans.sql.ts'

/**
 * A file of this age that nothing refers to is taken for abandoned: by an engine that never committed it, or by a process that
 * died. Engines may take a day over one write.
 */
const abandonedAfterMs = 3 * 24 * 3600 * 1000
const entriesMax = 1000

/** Removes files of other engines, and for them, that nothing refers to. Returns how many; `walk` goes on with each call. */
export async function removeOrphans(
  { postgres, objects, address, clock }: IcebergPorts,
  walk: ObjectWalk,
): Promise<number> {
  const entries = await walk.next(entriesMax)
  const oldMs = clock.nowMs() - abandonedAfterMs
  const aged = new Set(entries.filter((entry) => entry.modifiedMs < oldMs).map((entry) => entry.key))
  if (aged.size === 0) return 0
  for (const key of await selectReferredKeys(postgres, [...aged])) aged.delete(key)
  const tables = new Set([...aged].flatMap((key) => tableOfKey(key)?.tableId ?? []))
  for (const location of await selectListLocations(postgres, [...tables])) aged.delete(address.keyOf(location) ?? '')
  for (const key of aged) await objects.remove(key)
  return aged.size
}
