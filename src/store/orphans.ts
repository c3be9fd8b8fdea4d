import type { OrphanRule } from '../base/objects/orphan-walk.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { chunkPrefix, orphanAgeMs, parseChunkKey } from './chunk-keys.ts'
import { hasOpenTransaction, selectKnownChunks, selectKnownQuarantine } from './removal.sql.ts'

/** Uploads of chunks that were never committed. */
export function chunkRule(postgres: Postgres): OrphanRule {
  return {
    prefix: chunkPrefix,
    madeMs({ key, modifiedMs }) {
      const chunk = parseChunkKey(key)
      return chunk === undefined ? undefined : Math.max(modifiedMs, chunk.madeMs)
    },
    async known(keys) {
      if (await mayBeCommitted(postgres)) return keys
      const keyOf = new Map(keys.map((key) => [parseChunkKey(key)?.id ?? '', key]))
      const ids = await selectKnownChunks(postgres, [...keyOf.keys()])
      return ids.flatMap((id) => keyOf.get(id) ?? [])
    },
  }
}

/**
 * Bytes of records whose row in the quarantine was never committed. Damaged stretches of the inbox lie there, too, without a
 * row: they are for people, and stay.
 */
export function quarantineRule(postgres: Postgres): OrphanRule {
  return {
    prefix: 'quarantine/',
    madeMs: ({ key, modifiedMs }) => (/^quarantine\/\d+\//.test(key) ? modifiedMs : undefined),
    known: async (keys) => ((await mayBeCommitted(postgres)) ? keys : await selectKnownQuarantine(postgres, keys)),
  }
}

/**
 * Whether files may be in the hands of a transaction that is as old as they are: a machine can sleep for a day in the middle of a commit. A
 * commit looks at the age of its files when its transaction has begun, and takes none that have half of the age of an orphan. So whatever is an
 * orphan by now belongs to no transaction that is younger than this, and what older ones did can be seen as soon as they are over. That has to
 * be asked first.
 */
function mayBeCommitted(postgres: Postgres): Promise<boolean> {
  return hasOpenTransaction(postgres, orphanAgeMs / 4 / 1000)
}
