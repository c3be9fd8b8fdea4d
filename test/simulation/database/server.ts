import type { Sql } from '../../../src/base/postgres/postgres.ts'
import { AppError } from '../../../src/base/errors.ts'
import type { Life, Timeline } from '../timeline.ts'
import { modelChunkStatements } from './chunk-statements.ts'
import { modelLeaseStatements } from './lease-statements.ts'
import { Rows } from './rows.ts'
import type { StatementModels } from './statement-models.ts'
import { modelStoreStatements } from './store-statements.ts'
import { modelSubmitStatements } from './submit-statements.ts'
import { Transaction } from './transaction.ts'

/** Every statement that the commit path makes. */
export function allStatementModels(): StatementModels {
  const models: StatementModels = new Map()
  modelStoreStatements(models)
  modelChunkStatements(models)
  modelSubmitStatements(models)
  modelLeaseStatements(models)
  return models
}

/** One who listens on a channel. */
export interface Listener {
  readonly channel: string
  readonly life: Life
  readonly onNotify: (payload: string) => void
  readonly onGap: (() => void) | undefined
}

export interface ServerOptions {
  readonly timeline: Timeline
  readonly models: StatementModels
  /** Hears of a statement that the model does not know. */
  readonly onUnknown: (text: string) => void
  /** Hears of a transaction right before it commits. */
  readonly onCommit: (tx: Transaction) => void
  /** Hears of an answer. */
  readonly onAnswer: ((statement: string, answer: readonly unknown[]) => void) | undefined
  /** How long a notice is on its way; undefined where it is lost. */
  readonly noticeDelayMs: () => number | undefined
}

/** PostgreSQL as the commit path knows it: the model of its statements, and its transactions. What was committed is durable. */
export class ModelServer {
  readonly rows = new Rows()
  readonly listeners = new Set<Listener>()
  /** Commits so far that changed which chunks there are, or were. */
  chunkChanges = 0
  readonly #options: ServerOptions
  readonly #open = new Set<Transaction>()

  constructor(options: ServerOptions) {
    this.#options = options
  }

  get openTransactions(): number {
    return this.#open.size
  }

  begin(owner: string): Transaction {
    const tx = new Transaction(owner, this.#options.timeline.nowMs)
    this.#open.add(tx)
    return tx
  }

  /** Most statements wait for nobody, and are answered at once: no promise is made for them. */
  run(tx: Transaction, statement: Sql): unknown[] | Promise<unknown[]> {
    const { models, timeline, onUnknown, onAnswer } = this.#options
    const known = models.get(statement.parts)
    if (known === undefined) {
      const { text } = statement.toQuery()
      onUnknown(text)
      throw new Error(`the model of PostgreSQL does not know the statement: ${text}`)
    }
    const now = new Date(Math.floor(timeline.nowMs))
    const answer = known.run({ tx, rows: this.rows, now, open: this.#open }, statement.values)
    if (onAnswer === undefined) return answer
    const told = (rows: unknown[]): unknown[] => {
      onAnswer(known.name, rows)
      return rows
    }
    return Array.isArray(answer) ? told(answer) : answer.then(told)
  }

  nameOf(statement: Sql, isInside = false): string {
    const known = this.#options.models.get(statement.parts)
    if (known === undefined) return 'an unknown statement'
    return isInside ? known.nameInside : known.name
  }

  commit(tx: Transaction): void {
    if (tx.isOver) throw unavailable()
    this.#options.onCommit(tx)
    this.#open.delete(tx)
    if (tx.hasChanged(this.rows.chunks) || tx.hasChanged(this.rows.removedChunks)) this.chunkChanges += 1
    tx.commit()
    for (const { channel, payload } of tx.notices) this.#tell(channel, payload)
  }

  rollback(tx: Transaction): void {
    this.#open.delete(tx)
    tx.rollback()
  }

  /** Forgets everything. */
  clear(): void {
    this.#open.clear()
    this.listeners.clear()
    this.rows.clear()
  }

  /** Ends all connections, and with them what was under way. */
  restart(): void {
    for (const tx of this.#open) tx.rollback()
    this.#open.clear()
    for (const { life, onGap } of this.listeners)
      if (life.alive) this.#options.timeline.after(300, life, () => onGap?.())
  }

  #tell(channel: string, payload: string): void {
    for (const listener of this.listeners) {
      if (listener.channel !== channel || !listener.life.alive) continue
      const delayMs = this.#options.noticeDelayMs()
      if (delayMs !== undefined) {
        this.#options.timeline.after(delayMs, listener.life, () => listener.onNotify(payload))
      }
    }
  }
}

export function unavailable(): AppError {
  return new AppError('database_unavailable', 'The simulated connection was lost.')
}
