import type { Postgres } from '../base/postgres/postgres.ts'
import type { Waiting } from './waiting-reason.ts'

export async function explainWaiting(_postgres: Postgres, _accountId: number, _id: number): Promise<Waiting | null> {
  return null
}
