import { knownOrOpen } from '../../base/objects/orphan-age.ts'
import { OrphanWalk } from '../../base/objects/orphan-walk.ts'
import type { OrphanWalkOptions } from '../../base/objects/orphan-walk.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { selectRegistered } from './inbox-objects.sql.ts'

/**
 * Removes objects of the inbox that no row knows: an intake died between writing one and registering it, and so none of its
 * bodies was acknowledged.
 */
export function inboxOrphans(postgres: Postgres, options: OrphanWalkOptions): OrphanWalk {
  return new OrphanWalk(
    {
      prefix: 'inbox/',
      madeMs: ({ modifiedMs }) => modifiedMs,
      known: (keys) => knownOrOpen(postgres, keys, selectRegistered),
    },
    options,
  )
}
