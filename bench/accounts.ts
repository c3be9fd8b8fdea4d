import { openAccess } from '../src/access/open-access.ts'
import { systemClock } from '../src/base/clock.ts'
import { openLog } from '../src/base/log.ts'
import { openPostgres } from '../src/base/postgres/postgres.ts'
import { systemRandomness } from '../src/base/randomness.ts'

export interface AccountKey {
  readonly name: string
  readonly apiKey: string
}

/** Accounts of a server, each with a key to everything of its own. */
export async function createAccounts(databaseUrl: string, names: readonly string[]): Promise<AccountKey[]> {
  const postgres = await openPostgres({ url: databaseUrl, connectionsMax: 2, applicationName: 'bench' })
  const access = openAccess({ postgres, clock: systemClock, randomness: systemRandomness, log: openLog('warn') })
  const accounts: AccountKey[] = []
  for (const name of names) {
    const { account, owner } = await access.createAccount(name, { email: `${name}@example.com`, name })
    const principal = { accountId: account.id, userId: owner.id, keyId: 0, keyKind: 'full', role: 'owner' } as const
    const { key: apiKey } = await access.createKey(principal, { kind: 'full' })
    accounts.push({ name, apiKey })
  }
  await access.stop()
  await postgres.close()
  return accounts
}
