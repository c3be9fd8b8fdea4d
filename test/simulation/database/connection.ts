import type { Postgres, Queryable, Sql } from '../../../src/base/postgres/postgres.ts'
import { isAppError } from '../../../src/base/errors.ts'
import type { Life, Timeline } from '../timeline.ts'
import type { Situations } from '../world/situations.ts'
import type { ModelServer } from './server.ts'
import { unavailable } from './server.ts'
import type { Transaction } from './transaction.ts'

/** What becomes of a question: it is answered, it never arrives, or its answer is lost. */
export type Fate = 'answered' | 'refused' | 'unheard'

export interface Wire {
  delayMs(): number
  fate(): Fate
}

export interface ConnectionOptions {
  readonly server: ModelServer
  readonly timeline: Timeline
  readonly life: Life
  readonly wire: Wire
  readonly trace: ((line: string) => void) | undefined
  readonly situations: Situations | undefined
}

/** The way of one process to the model of PostgreSQL. */
export function connect(options: ConnectionOptions): Postgres {
  const { server, timeline, life, wire, trace, situations } = options

  /** Sends a question, which has its effect when it arrives, and waits for the answer. */
  function exchange<T>(what: string, effect: () => Promise<T> | T, onCut: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const fate = wire.fate()
      if (fate !== 'answered') situations?.note(`PostgreSQL leaves a call ${fate}: ${what}`)
      const fail = (): void => {
        trace?.(`${life.name} hears nothing from PostgreSQL after ${what} (${fate})`)
        onCut()
        reject(unavailable())
      }
      if (fate === 'refused') {
        timeline.after(wire.delayMs(), life, fail, 'own', what)
        return
      }
      const answer = (call: () => void): void => {
        if (life.alive && life.frozenUntilMs <= timeline.nowMs) call()
        else timeline.after(0, life, call)
      }
      const answered = (value: T): void => answer(() => (fate === 'unheard' ? fail() : resolve(value)))
      const refused = (error: unknown): void => answer(() => reject(error))
      const arrive = (): void => {
        trace?.(`${life.name}: ${what}`)
        try {
          const effected = effect()
          if (effected instanceof Promise) effected.then(answered, refused)
          else answered(effected)
        } catch (error) {
          refused(error)
        }
      }
      timeline.after(wire.delayMs(), life, arrive, 'request', what)
    })
  }

  function statement(tx: Transaction, asked: Sql): unknown[] | Promise<unknown[]> {
    if (tx.isOver) throw unavailable()
    const answer = server.run(tx, asked)
    if (Array.isArray(answer)) return answer
    return answer.catch((error: unknown) => {
      throw tx.isOver ? unavailable() : error
    })
  }

  /** A transaction of one statement. */
  function alone(asked: Sql): unknown[] | Promise<unknown[]> {
    const tx = server.begin(life.name)
    const committed = (rows: unknown[]): unknown[] => {
      server.commit(tx)
      return rows
    }
    let answer: unknown[] | Promise<unknown[]> = []
    try {
      answer = statement(tx, asked)
      if (Array.isArray(answer)) return committed(answer)
    } finally {
      // What has to wait for others is open until they end.
      if (Array.isArray(answer)) server.rollback(tx)
    }
    return answer.then(committed).finally(() => server.rollback(tx))
  }

  /** The server sees after a moment that nobody is there any more. */
  const abandon = (tx: Transaction): void => void timeline.after(20, undefined, () => server.rollback(tx))

  return {
    async query<Row>(asked: Sql): Promise<Row[]> {
      return (await exchange(
        server.nameOf(asked),
        () => alone(asked),
        () => {},
      )) as Row[]
    },
    async transaction<T>(body: (tx: Queryable) => Promise<T>): Promise<T> {
      const tx = server.begin(life.name)
      life.onEnd(() => abandon(tx))
      const cut = (): void => abandon(tx)
      try {
        const result = await body({
          query: async <Row>(asked: Sql) =>
            (await exchange(server.nameOf(asked, true), () => statement(tx, asked), cut)) as Row[],
        })
        await exchange('commit', () => server.commit(tx), cut)
        return result
      } catch (error) {
        if (!isAppError(error, 'database_unavailable')) {
          await exchange('rollback', () => server.rollback(tx), cut).catch(() => {})
        }
        throw error
      }
    },
    async listen(channel, onNotify, onGap) {
      const listener = { channel, life, onNotify, onGap }
      await exchange(
        `listen to ${channel}`,
        () => void server.listeners.add(listener),
        () => {},
      )
      return async () => void server.listeners.delete(listener)
    },
    close: async () => {},
  }
}
