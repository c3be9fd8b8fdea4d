import type { Postgres, Queryable, Sql } from '../../../src/base/postgres/postgres.ts'
import type { ModelServer } from './server.ts'
import type { Transaction } from './transaction.ts'

/** A line to the model that never fails, on which every statement is answered at once. */
export function directPostgres(server: ModelServer, owner: string): Postgres {
  const over = (tx: Transaction): Queryable => ({
    query: async <Row>(statement: Sql) => (await server.run(tx, statement)) as Row[],
  })
  async function transaction<T>(body: (tx: Queryable) => Promise<T>): Promise<T> {
    const tx = server.begin(owner)
    try {
      const result = await body(over(tx))
      server.commit(tx)
      return result
    } finally {
      server.rollback(tx)
    }
  }
  return {
    query: (statement) => transaction((tx) => tx.query(statement)),
    transaction,
    listen: async () => async () => {},
    close: async () => {},
  }
}
