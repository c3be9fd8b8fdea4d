import type { Clock } from '../../base/clock.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import { knownOrOpen } from '../../base/objects/orphan-age.ts'
import { OrphanWalk, removeObjects } from '../../base/objects/orphan-walk.ts'
import type { OrphanWalkOptions } from '../../base/objects/orphan-walk.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { deleteImport, selectExpired, selectKnownParts } from './bulk.sql.ts'
import { expiryDays } from './limits.ts'

const prefix = 'bulk/'

/** Where a part lies: each upload has an object of its own, so that none is changed while it is read. */
export function partKey(of: { readonly accountId: number; readonly id: number }, id: string): string {
  return `${prefix}${of.accountId}/${of.id}/${id}`
}

/** Removes parts that no import knows: they were replaced or deleted, or their upload was cut off by a crash. */
export function partOrphans(postgres: Postgres, options: OrphanWalkOptions): OrphanWalk {
  return new OrphanWalk(
    {
      prefix,
      madeMs: ({ modifiedMs }) => modifiedMs,
      known: (keys) => knownOrOpen(postgres, keys, selectKnownParts),
    },
    options,
  )
}

const importsMax = 20
const dayMs = 86_400_000

/** Deletes some of the imports that nobody deleted in all their time. Returns how many; call it often. */
export async function expireBulkImports({
  postgres,
  objects,
  clock,
}: {
  readonly postgres: Postgres
  readonly objects: ObjectStore
  readonly clock: Clock
}): Promise<number> {
  const before = new Date(clock.nowMs() - expiryDays * dayMs)
  const expired = await selectExpired(postgres, before, importsMax)
  for (const { id } of expired) {
    const keys = await postgres.transaction((tx) => deleteImport(tx, id))
    await removeObjects(objects, keys)
  }
  return expired.length
}
