import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Quarantine } from '../quarantine.ts'
import { countRecentQuarantine } from './quarantine.sql.ts'

export function openQuarantine({ postgres }: { readonly postgres: Postgres }): Quarantine {
  return { recent: (accountId, since, limit) => countRecentQuarantine(postgres, accountId, since, limit) }
}
