import { setTimeout as sleep } from 'node:timers/promises'

import { ForwardSender } from '../support/forward-sender.ts'
import { finishQuery, queryRows } from '../support/query.ts'
import { erasableDoor, httpDoors, importDoor, sendBatch } from './doors.ts'
import type { HttpDoor } from './doors.ts'
import { Ledger, rowsPerBatch } from './ledger.ts'
import type { Found } from './ledger.ts'
import type { World } from './world.ts'

const requestMsMax = 40_000

/** The machine has more to do than to convert: what counts is how often things break, not how much there is of them. */
const pauseMs = 60

const wholeDoors = httpDoors.filter(({ isByRecord }) => isByRecord !== true)

/** Senders by every door, queries that write, queries that look, and deletes, all at once, and what they know afterwards. */
export class Load {
  readonly #world: World
  readonly #stop = new AbortController()
  /** Aborted when senders have tried for long enough after the last fault: what is not kept then never will be. */
  readonly #giveUp = new AbortController()
  readonly #ledgers = new Map<string, Ledger>()
  readonly #forwards: readonly ForwardSender[]
  readonly #works: Promise<void>[] = []
  /** What a query saw that can never be. */
  readonly seen: string[] = []
  /** What senders were told who did nothing wrong, and how often: none of it was kept. */
  readonly refusals = new Map<string, number>()
  queries = 0
  failedQueries = 0
  /** What queries that write failed with, and how often. */
  readonly failures = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
    this.#forwards = ['f0', 'f1'].map((name) => new ForwardSender(world.fluentPort, 'test.forward', name, 5 * pauseMs))
  }

  async start(): Promise<void> {
    // Of all others, the first batch makes the table; Treasure Data’s clients make theirs before.
    const columns = [
      { name: 'batch', type: 'varchar' },
      { name: 'n', type: 'bigint' },
    ]
    await this.#post('/api/v1/databases', { name: 'test' })
    for (const name of ['written', 'td']) await this.#post('/api/v1/databases/test/tables', { name, columns })
    for (const door of httpDoors) {
      for (const sender of [0, 1]) this.#works.push(this.#send(door, `${door.name}-${sender}`))
    }
    for (const sender of this.#forwards) this.#works.push(sender.run(this.#stop.signal, this.#giveUp.signal))
    this.#works.push(this.#erase(), this.#write('w0'), this.#write('w1'), this.#look(), this.#trespass())
  }

  async #post(path: string, body: object): Promise<void> {
    const response = await this.#world.biwa.request(path, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }

  /** Resolves when something was acknowledged for each table, however slow the machine is, or nothing will be. */
  async hasSomethingOfAll(msMax: number): Promise<void> {
    const patience = performance.now() + msMax
    const isMissing = (): boolean =>
      [...this.#ledgers.values()].some(({ acknowledged }) => acknowledged.size === 0) ||
      this.#forwards.every(({ acknowledged }) => acknowledged.size === 0)
    while (isMissing() && performance.now() < patience) await sleep(100)
  }

  /** Resolves when what was begun is at its end. What is sent until it is kept has so long for it, while nothing goes wrong. */
  async stop(keptMsMax: number): Promise<void> {
    this.#stop.abort()
    const patience = setTimeout(() => this.#giveUp.abort(), keptMsMax)
    await Promise.all(this.#works)
    clearTimeout(patience)
    const open = this.#forwards.reduce((sum, sender) => sum + sender.open.size, 0)
    if (open > 0)
      this.seen.push(`forward: ${open} chunks were not taken in ${keptMsMax / 1000} s in which nothing went wrong`)
    const forward = this.ledgerOf('forward')
    for (const { acknowledged } of this.#forwards) {
      for (const chunk of acknowledged) {
        forward.tried.add(chunk)
        forward.acknowledged.add(chunk)
      }
    }
  }

  /** Resolves when the next batch is acknowledged, or nothing was for a while. */
  async nextAcknowledgement(msMax: number): Promise<void> {
    const before = this.#acknowledged
    const patience = performance.now() + msMax
    while (this.#acknowledged === before && performance.now() < patience) await sleep(2)
  }

  get #acknowledged(): number {
    const ledgers = [...this.#ledgers.values(), ...this.#forwards]
    return ledgers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  }

  /** Tables, with what is to be in them. */
  get ledgers(): ReadonlyMap<string, Ledger> {
    return this.#ledgers
  }

  /** How many batches were acknowledged so far, by table. */
  get acknowledged(): Record<string, number> {
    const counts = Object.fromEntries([...this.#ledgers].map(([table, ledger]) => [table, ledger.acknowledged.size]))
    const forward = this.#forwards.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
    return { ...counts, forward }
  }

  ledgerOf(table: string): Ledger {
    const ledger = this.#ledgers.get(table) ?? new Ledger()
    this.#ledgers.set(table, ledger)
    return ledger
  }

  /** What the table holds now. Fails where the query does. */
  async found(table: string): Promise<Found[]> {
    const name = table === 'forward' ? 'chunk' : 'batch'
    const sql = `select ${name}, count(*), count(distinct n) from ${table} group by ${name}`
    const rows = await queryRows(this.#asking(), sql)
    return rows.map(([batch, count, different]) => ({
      batch: String(batch),
      rows: Number(count),
      different: Number(different),
    }))
  }

  #asking() {
    const request = (path: string, init: RequestInit = {}) =>
      this.#world.biwa.request(path, { ...init, signal: AbortSignal.timeout(requestMsMax) })
    return { request }
  }

  get #isOver(): boolean {
    return this.#stop.signal.aborted
  }

  /** Most batches are sent until they are kept, as good senders do, some by two clients at once; some are given up. */
  async #send(door: HttpDoor, name: string): Promise<void> {
    for (let number = 0; !this.#isOver; number += 1) {
      const batch = `${name}-${number}`
      if (door.isRepeatable && number % 10 === 3) {
        const twice = { isPatient: true, isAlone: false }
        await Promise.all([this.#deliver(door, batch, twice), this.#deliver(door, batch, twice)])
      } else {
        await this.#deliver(door, batch, { isPatient: door.isRepeatable && number % 5 !== 0, isAlone: true })
      }
      await sleep(pauseMs)
    }
  }

  /** Whether it was kept. Alone is a batch that nobody else sends. */
  async #deliver(
    door: HttpDoor,
    batch: string,
    { isPatient, isAlone } = { isPatient: true, isAlone: true },
  ): Promise<boolean> {
    const ledger = this.ledgerOf(door.name)
    ledger.isByRecord = door.isByRecord === true
    ledger.tried.add(batch)
    for (let tries = 0; ; tries += 1) {
      const answer = await sendBatch(this.#world.biwa, door, batch)
      if (answer === 'kept') {
        ledger.acknowledged.add(batch)
        return true
      }
      if (answer !== undefined) {
        this.refusals.set(answer.refusal, 1 + (this.refusals.get(answer.refusal) ?? 0))
        if (isAlone && tries === 0) ledger.refused.add(batch)
        return false
      }
      if (!isPatient) return false
      if (this.#giveUp.signal.aborted) {
        this.seen.push(
          `${door.name}: ${batch} was sent again and again, and not taken though nothing went wrong any more`,
        )
        return false
      }
      await sleep(50)
    }
  }

  /** Nobody with this key may write: nothing of it is ever to be seen. */
  async #trespass(): Promise<void> {
    const ledger = this.ledgerOf(importDoor.name)
    for (let number = 0; !this.#isOver; number += 1) {
      const batch = `stranger-${number}`
      ledger.tried.add(batch)
      ledger.refused.add(batch)
      const { url } = this.#world.biwa
      // Another one each time, or whoever remembers the last one need not look.
      const apiKey = `1/${number.toString(16).padStart(40, '0')}`
      const answer = await sendBatch({ url, apiKey }, importDoor, batch)
      if (answer === 'kept') this.seen.push(`${batch} was let in with a key that is none`)
      await sleep(200)
    }
  }

  /** Every other batch is deleted as soon as it can be seen, while files are merged. */
  async #erase(): Promise<void> {
    const ledger = this.ledgerOf(erasableDoor.name)
    for (let number = 0; !this.#isOver; number += 1) {
      const batch = `erasable-${number}`
      if (!(await this.#deliver(erasableDoor, batch)) || number % 2 === 0) continue
      const where = `from erasable where batch = '${batch}'`
      while (!this.#isOver && (await this.#countOf(where)) !== rowsPerBatch) await sleep(100)
      if (this.#isOver) return
      // From here on it may be gone.
      ledger.acknowledged.delete(batch)
      for (let isDone = false; !isDone;) {
        isDone = await this.#succeeds(`delete ${where}`)
        if (isDone) ledger.deleted.add(batch)
        else if (this.#isOver) break
      }
    }
  }

  async #countOf(rest: string): Promise<number> {
    const rows = await queryRows(this.#asking(), `select count(*) ${rest}`).catch(() => [])
    return Number(rows[0]?.[0] ?? -1)
  }

  #noteFailure(text: string): void {
    const reason = text.slice(0, 120)
    this.failures.set(reason, 1 + (this.failures.get(reason) ?? 0))
  }

  async #succeeds(sql: string): Promise<boolean> {
    this.queries += 1
    try {
      const { state, error } = await finishQuery(this.#asking(), sql)
      if (state === 'success') return true
      this.#noteFailure(`${state} ${error?.code ?? ''}`)
    } catch (error) {
      // Nobody knows whether it ran.
      this.#noteFailure(String(error))
    }
    this.failedQueries += 1
    await sleep(50)
    return false
  }

  /** Each is submitted once: whoever does not hear of its success does not know what it did, but all of it or nothing. */
  async #write(writer: string): Promise<void> {
    const ledger = this.ledgerOf('written')
    for (let number = 0; !this.#isOver; number += 1) {
      const batch = `written-${writer}-${number}`
      ledger.tried.add(batch)
      const sql = `insert into written select '${batch}' as batch, unnest(range(${rowsPerBatch})) as n`
      if (await this.#succeeds(sql)) ledger.acknowledged.add(batch)
      await sleep(pauseMs)
    }
  }

  /** No snapshot ever shows a part of a batch. */
  async #look(): Promise<void> {
    for (let number = 0; !this.#isOver; number += 1) {
      const { name } = wholeDoors[number % wholeDoors.length] ?? importDoor
      const sql = `select batch, count(*) from ${name} group by batch having count(*) <> ${rowsPerBatch}`
      this.queries += 1
      const rows = await queryRows(this.#asking(), sql).catch(() => void (this.failedQueries += 1))
      for (const [batch, count] of rows ?? []) {
        this.seen.push(`${name}: a query saw ${Number(count)} rows of ${String(batch)}`)
      }
      await sleep(150)
    }
  }
}
