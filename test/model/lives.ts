import { AppError } from '../../src/base/errors.ts'
import type { EnginePool } from '../../src/base/engines/engines.ts'
import type { ObjectStore } from '../../src/base/objects/objects.ts'
import type { Postgres, Sql } from '../../src/base/postgres/postgres.ts'

/** How a life ends; or how it is shaken: an answer of PostgreSQL is lost on its way, and the process goes on. */
export interface End {
  readonly call: number
  readonly when: 'before' | 'after' | 'lost answer'
}

/** What a process that has died says, if it said anything. */
export class Died extends Error {}

/**
 * The life of one process, counted in its calls to the world: PostgreSQL, the object store, the engines. At one of them it may end,
 * before the call took effect or after. From then on nothing that it tries has any effect, as with a process that was killed. Or
 * the answer of one call is lost, and the process goes on.
 */
export class Life {
  readonly #end: End | undefined
  #calls = 0
  #isOver = false

  constructor(end?: End) {
    this.#end = end
  }

  get calls(): number {
    return this.#calls
  }

  async call<T>(effect: () => Promise<T>, isOfPostgres = false): Promise<T> {
    this.#check()
    this.#calls += 1
    const isLast = this.#calls === this.#end?.call
    if (isLast && this.#end?.when === 'before') return this.#die()
    const answer = await effect()
    if (isLast && (this.#end?.when === 'after' || !isOfPostgres)) return this.#die()
    if (isLast) throw new AppError('database_unavailable', 'The connection was lost.')
    return answer
  }

  #check(): void {
    if (this.#isOver) this.#die()
  }

  #die(): never {
    this.#isOver = true
    throw new Died('the process has died')
  }
}

/** Each statement by itself is a call, and so is each transaction's commit: what is inside of one that does not end is undone. */
export function mortalPostgres(postgres: Postgres, life: Life): Postgres {
  return {
    ...postgres,
    query: <Row>(statement: Sql) => life.call(() => postgres.query<Row>(statement), true),
    transaction: (body, options) => life.call(() => postgres.transaction(body, options), true),
    listen: (channel, onNotify, onGap) => postgres.listen(channel, onNotify, onGap),
    close: () => postgres.close(),
  }
}

export function mortalObjects(objects: ObjectStore, life: Life): ObjectStore {
  return new Proxy(objects, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key)
      if (typeof member !== 'function') return member
      const method = member.bind(target) as (...given: unknown[]) => unknown
      const isCounted = ['put', 'putFile', 'get', 'remove', 'materialize'].includes(String(key))
      if (!isCounted) return method
      return (...given: unknown[]) => life.call(async () => await method(...given))
    },
  })
}

export function mortalEngines(engines: EnginePool, life: Life): EnginePool {
  return { ...engines, run: (task, limits) => life.call(() => engines.run(task, limits)) }
}
