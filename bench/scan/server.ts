import { openAccess } from '../../src/access/open-access.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openLog } from '../../src/base/log.ts'
import { systemRandomness } from '../../src/base/randomness.ts'
import type { MergeBench } from '../../src/store/testing/merge-bench.ts'
import { startBiwa } from '../../test/support/biwa.ts'
import type { QueryAccount } from '../query/platform.ts'

export interface TableServer {
  /** The account that has the bench's tables. */
  readonly account: QueryAccount
  stop(): Promise<void>
}

/** A whole server, over the database and the objects of a bench. */
export async function serveTables(bench: MergeBench, databaseUrl: string): Promise<TableServer> {
  const biwa = await startBiwa({
    arguments: [`--database-url=${databaseUrl}`, `--object-store=${bench.objectsDirectory}`],
  })
  const { postgres, accountId } = bench
  const access = openAccess({ postgres, clock: systemClock, randomness: systemRandomness, log: openLog('warn') })
  const owner = { accountId, userId: 0, keyId: 0, keyKind: 'full', role: 'owner' } as const
  const user = await access.createUser(owner, { email: 'bench@example.com', name: 'bench', role: 'owner' })
  const { key } = await access.createKey({ ...owner, userId: user.id }, { kind: 'full' })
  await access.stop()
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return {
    account: { name: 'bench', request: (path, init = {}) => fetch(biwa.url + path, { ...init, headers }) },
    stop: async () => void (await biwa.stop()),
  }
}
