/** What a row is found by. */
export type Key = string | number

/** A table of the model: its committed rows by their keys. */
export class Relation<Row> {
  readonly name: string
  readonly rows = new Map<Key, Row>()
  readonly locks = new Map<Key, RowLock>()

  constructor(name: string) {
    this.name = name
  }

  clear(): void {
    this.rows.clear()
    this.locks.clear()
  }
}

/** As PostgreSQL names them: a deletion takes `update`, a change that leaves the key alone `no key update`. */
export type LockMode = 'key share' | 'no key update' | 'update'

interface RowLock {
  readonly holders: Map<Transaction, LockMode>
  readonly waiting: (() => void)[]
}

/** What PostgreSQL says to one of those who wait for each other. */
class Deadlock extends Error {
  readonly code = '40P01'
}

/**
 * A transaction at read committed: it sees what was committed before each of its statements, and its own changes. Rows that it
 * changes or locks are its own until it ends; who wants them waits.
 */
export class Transaction {
  readonly #changes = new Map<Relation<unknown>, Map<Key, unknown>>()
  readonly #locked: { readonly relation: Relation<unknown>; readonly key: Key }[] = []
  #waitsFor: ReadonlySet<Transaction> = new Set()
  #isOver = false
  /** How often it had to wait for a row. */
  waits = 0
  /** Who runs it, for those who look on. */
  readonly owner: string
  readonly begunMs: number
  /** What is told to the others when it commits. */
  readonly notices: { readonly channel: string; readonly payload: string }[] = []

  constructor(owner: string, begunMs = 0) {
    this.owner = owner
    this.begunMs = begunMs
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get<Row>(relation: Relation<Row>, key: Key): Row | undefined {
    const own = this.#changes.get(relation)
    return own?.has(key) === true ? (own.get(key) as Row | undefined) : relation.rows.get(key)
  }

  all<Row>(relation: Relation<Row>): Row[] {
    const own = this.#changes.get(relation)
    if (own === undefined) return [...relation.rows.values()]
    const rows = new Map<Key, Row>(relation.rows)
    for (const [key, row] of own) {
      if (row === undefined) rows.delete(key)
      else rows.set(key, row as Row)
    }
    return [...rows.values()]
  }

  /** Inserts a row, or changes one; nobody else may hold it. */
  put<Row>(relation: Relation<Row>, key: Key, row: Row): void {
    this.#change(relation, key, row, 'no key update')
  }

  delete<Row>(relation: Relation<Row>, key: Key): void {
    this.#change(relation, key, undefined, 'update')
  }

  #change<Row>(relation: Relation<Row>, key: Key, row: Row | undefined, mode: LockMode): void {
    if (!this.tryLock(relation, key, mode))
      throw new Error(`row ${key} of ${relation.name} is written without its lock`)
    const own = this.#changes.get(relation)
    if (own === undefined) this.#changes.set(relation, new Map([[key, row]]))
    else own.set(key, row)
  }

  /** Takes the lock if nobody holds one against it. */
  tryLock<Row>(relation: Relation<Row>, key: Key, mode: LockMode): boolean {
    if (this.#isOver) throw new Error('a transaction that is over does nothing')
    const lock = relation.locks.get(key)
    if (lock === undefined) {
      relation.locks.set(key, { holders: new Map([[this, mode]]), waiting: [] })
      this.#locked.push({ relation, key })
      return true
    }
    if (against(lock, this, mode).size > 0) return false
    const held = lock.holders.get(this)
    if (held === undefined) this.#locked.push({ relation, key })
    if (held === undefined || strength[mode] > strength[held]) lock.holders.set(this, mode)
    return true
  }

  /** Waits until the row can be locked. What it is by then may be another thing than before. */
  async lock<Row>(relation: Relation<Row>, key: Key, mode: LockMode): Promise<void> {
    while (!this.tryLock(relation, key, mode)) {
      const lock = relation.locks.get(key)
      if (lock === undefined) continue
      this.#waitsFor = against(lock, this, mode)
      if (this.#isWaitedForBy(this.#waitsFor)) throw new Deadlock('deadlock detected')
      this.waits += 1
      await new Promise<void>((resolve) => lock.waiting.push(resolve))
      this.#waitsFor = new Set()
      if (this.#isOver) throw new Error('the transaction was ended while it waited')
    }
  }

  /** The rows of the relation that it has put there, or changed. */
  changed<Row>(relation: Relation<Row>): Row[] {
    const own = this.#changes.get(relation)
    return own === undefined ? [] : ([...own.values()].filter((row) => row !== undefined) as Row[])
  }

  /** Whether it has put rows into the relation, or deleted some. */
  hasChanged<Row>(relation: Relation<Row>): boolean {
    return this.#changes.has(relation)
  }

  commit(): void {
    for (const [relation, own] of this.#changes) {
      for (const [key, row] of own) {
        if (row === undefined) relation.rows.delete(key)
        else relation.rows.set(key, row)
      }
    }
    this.rollback()
  }

  rollback(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const { relation, key } of this.#locked) {
      const lock = relation.locks.get(key)
      lock?.holders.delete(this)
      if (lock?.holders.size === 0) relation.locks.delete(key)
      for (const wake of lock?.waiting.splice(0) ?? []) wake()
    }
  }

  #isWaitedForBy(others: ReadonlySet<Transaction>, seen = new Set<Transaction>()): boolean {
    for (const other of others) {
      if (other === this) return true
      if (seen.has(other)) continue
      seen.add(other)
      if (this.#isWaitedForBy(other.#waitsFor, seen)) return true
    }
    return false
  }
}

const strength: Record<LockMode, number> = { 'key share': 0, 'no key update': 1, update: 2 }

/** Those who hold the row against somebody who wants it. */
function against({ holders }: RowLock, who: Transaction, mode: LockMode): ReadonlySet<Transaction> {
  const others = new Set<Transaction>()
  for (const [holder, held] of holders) {
    if (holder !== who && strength[held] + strength[mode] >= 2 && !(held === 'key share' && mode === 'key share')) {
      others.add(holder)
    }
  }
  return others
}
