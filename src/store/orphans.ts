import { knownOrOpen } from '../base/objects/orphan-age.ts'
import type { OrphanRule } from '../base/objects/orphan-walk.ts'
import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import { chunkPrefix, parseChunkKey } from './chunk-keys.ts'
import { selectKnownChunks, selectKnownQuarantine } from './removal.sql.ts'

/** Uploads of chunks that were never committed. */
export function chunkRule(postgres: Postgres): OrphanRule {
  return {
    prefix: chunkPrefix,
    madeMs({ key, modifiedMs }) {
      const chunk = parseChunkKey(key)
      return chunk === undefined ? undefined : Math.max(modifiedMs, chunk.madeMs)
    },
    known: (keys) => knownOrOpen(postgres, keys, knownChunks),
  }
}

async function knownChunks(db: Queryable, keys: readonly string[]): Promise<readonly string[]> {
  const keyOf = new Map(keys.map((key) => [parseChunkKey(key)?.id ?? '', key]))
  const ids = await selectKnownChunks(db, [...keyOf.keys()])
  return ids.flatMap((id) => keyOf.get(id) ?? [])
}

/**
 * Bytes of records whose row in the quarantine was never committed. Damaged stretches of the inbox lie there, too, without a
 * row: they are for people, and stay.
 */
export function quarantineRule(postgres: Postgres): OrphanRule {
  return {
    prefix: 'quarantine/',
    madeMs: ({ key, modifiedMs }) => (/^quarantine\/\d+\//.test(key) ? modifiedMs : undefined),
    known: (keys) => knownOrOpen(postgres, keys, selectKnownQuarantine),
  }
}
