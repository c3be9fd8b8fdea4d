import type { Queryable } from '../../../src/base/postgres/postgres.ts'
import type { Rows } from './rows.ts'
import type { Transaction } from './transaction.ts'

/** What a statement works with. */
export interface StatementContext {
  readonly tx: Transaction
  readonly rows: Rows
  /** The database's clock. */
  readonly now: Date
  /** All transactions that have not ended. */
  readonly open: ReadonlySet<Transaction>
}

export type StatementModel = (context: StatementContext, values: readonly unknown[]) => unknown[] | Promise<unknown[]>

export interface KnownStatement {
  readonly name: string
  /** As it is called inside of a transaction. */
  readonly nameInside: string
  readonly run: StatementModel
}

/** By the texts between the values of a statement's template, which are one object for as long as the module lives. */
export type StatementModels = Map<readonly string[], KnownStatement>

/**
 * Says what the model answers to a statement of the product. The statement is known by asking for it once: `ask` calls the
 * product's own function, and what it would have sent to PostgreSQL is the statement that is meant.
 */
export function model<Values extends readonly unknown[]>(
  models: StatementModels,
  name: string,
  ask: (db: Queryable) => Promise<unknown>,
  run: (context: StatementContext, values: Values) => unknown[] | Promise<unknown[]>,
): void {
  const recorder: Queryable = {
    async query({ parts }) {
      const nameInside = `${name} in a transaction`
      models.set(parts, { name, nameInside, run: (context, values) => run(context, values as Values) })
      return []
    },
  }
  // Whoever asks in vain may be at a loss: what was asked is all that counts.
  ask(recorder).catch(() => {})
}
