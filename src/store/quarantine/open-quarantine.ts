import { Readable } from 'node:stream'

import { AppError } from '../../base/errors.ts'
import type { Quarantine, MeantTable } from '../quarantine.ts'
import {
  countEntries,
  countReasons,
  deleteEntries,
  deleteOldEntries,
  selectBytes,
  selectEntries,
  selectEntry,
} from './entries.sql.ts'
import { itemOf } from './entry-item.ts'
import { fixEntries } from './fix-entries.ts'
import type { QuarantineTools } from './fix-entries.ts'
import { countRecentQuarantine } from './quarantine.sql.ts'
import { readBytes } from './read-bytes.ts'

/** How many records one call removes. */
const removedMax = 5000

/** What is in the quarantine. What of it is an object is swept when no record refers to it any more. */
export function openQuarantine(options: QuarantineTools): Quarantine {
  const { postgres, objects } = options
  return {
    recent: (accountId, question) => countRecentQuarantine(postgres, accountId, question),
    reasons: (accountId, table) => countReasons(postgres, accountId, table),
    async item(accountId, table, id) {
      return itemOf((await selectEntry(postgres, accountId, table, id)) ?? notFound(id, table))
    },
    async bytes(accountId, table, id) {
      if ((await selectEntry(postgres, accountId, table, id)) === undefined) notFound(id, table)
      const [row] = await selectBytes(postgres, accountId, [id])
      const { bytes, object_key: key, length } = row ?? notFound(id, table)
      return { length, stream: async () => (key === null ? Readable.from([bytes]) : await objects.stream(key)) }
    },
    fix: (principal, table, filter, fix, more) => fixEntries(options, principal, table, filter, fix, more),
    remove: (accountId, table, filter) => deleteEntries(postgres, accountId, table, filter, removedMax),
    count: (accountId, table, filter) => countEntries(postgres, accountId, table, filter),
    async next(accountId, table, filter, { jobId, ...page }) {
      return (await selectEntries(postgres, accountId, table, filter, { ...page, notReplayedBy: jobId })).map(itemOf)
    },
    bytesToRead: (accountId, ids) => readBytes(options, accountId, ids),
  }
}

/** Deletes some of the records that are too old. Returns how many; call it until there are none. */
export function forgetQuarantine(options: QuarantineTools & { readonly keptDays: number }): Promise<number> {
  const before = new Date(options.clock.nowMs() - options.keptDays * 86_400_000)
  return deleteOldEntries(options.postgres, before, removedMax)
}

function notFound(id: number, { database, name }: MeantTable): never {
  throw new AppError('record_not_found', `There is no record ${id} in the quarantine of "${database}.${name}".`, {
    hint: 'It may have been read again, removed, or be too old. `biwa quarantine list` shows what there is.',
  })
}
