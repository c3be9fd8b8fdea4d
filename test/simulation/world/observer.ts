import { crc32 } from 'node:zlib'

import type { Logger } from '../../../src/base/log.ts'
import type { ObjectStore } from '../../../src/base/objects/objects.ts'
import { finishedStates } from '../../../src/jobs/jobs.ts'
import { openStore } from '../../../src/store/open-store.ts'
import type { Chunk, Store, TableSnapshot } from '../../../src/store/store.ts'
import type { DiskImage } from '../../support/disk-image.ts'
import { directPostgres } from '../database/direct-postgres.ts'
import type { ModelServer } from '../database/server.ts'
import type { Transaction } from '../database/transaction.ts'
import { simulatedClock } from '../simulated-clock.ts'
import { parseRecords } from '../simulated-engines.ts'
import type { Bucket } from '../simulated-objects.ts'
import { Life } from '../timeline.ts'
import type { Timeline } from '../timeline.ts'
import { Chance } from './chance.ts'
import type { Ledger, SentBody } from './ledger.ts'
import { graceSeconds, objectsRoot } from './machine.ts'
import type { Plan } from './plan.ts'
import { uniqueIdOf } from './senders.ts'

export const accountIds = [1, 2]

const allTimes = [{ from: -Infinity, to: Infinity }]

/** A chunk's file at one of its versions. */
interface LookedAt {
  readonly version: unknown
  /** What the catalog said of it. */
  readonly told: Pick<Chunk, 'bytes' | 'rows' | 'crc32'>
  readonly recordIds: readonly string[]
}

/** What was found at a snapshot. */
interface Found {
  chunkChanges: number
  chunks: readonly Chunk[]
  readonly files: readonly (LookedAt | undefined)[]
  readonly recordIds: readonly string[]
}

export interface ObserverOptions {
  readonly plan: Plan
  readonly timeline: Timeline
  readonly server: ModelServer
  readonly image: DiskImage
  readonly bucket: Bucket
  readonly ledger: Ledger
  readonly log: Logger
}

/**
 * Looks at the world from outside and says what is not as it has to be. It reads through the product's own snapshots, over a line
 * that never fails, and files as they lie there.
 */
export class Observer {
  readonly #options: ObserverOptions
  readonly #store: Store
  /** The bodies that were seen in each account's table. */
  readonly #seen = new Map<number, ReadonlySet<SentBody>>()
  /** By chunk: what its file was when it was last looked at. */
  readonly #files = new Map<string, LookedAt>()
  /** By table and snapshot: what was found there, for as long as nothing changes. */
  readonly #found = new Map<string, Found>()
  /** The records that were last seen in each account's table. */
  readonly #lastSeen = new Map<number, readonly string[]>()
  /** Looks at snapshots whose grace is not over yet. */
  readonly #toSeeAgain = new Set<() => Promise<void>>()
  /** Time that passed at once: what was to be looked at within it cannot be. */
  leaps = 0

  constructor(options: ObserverOptions) {
    const { server, timeline, plan, log } = options
    this.#options = options
    this.#store = openStore({
      postgres: directPostgres(server, 'the observer'),
      objects: {} as ObjectStore,
      clock: simulatedClock(timeline, new Life('the observer')),
      randomness: new Chance(plan.seed, 'observer').randomness,
      log,
      removalGraceSeconds: graceSeconds,
    })
  }

  /** Whoever writes for a job holds its lease at that moment. */
  onCommit(tx: Transaction): void {
    const { server, ledger } = this.#options
    for (const { cause, snapshot } of tx.changed(server.rows.snapshots)) {
      const jobId = Number(/^job:(\d+)$/.exec(cause)?.[1])
      const running = tx.get(server.rows.running, jobId)
      if (running?.lease_owner !== tx.owner) {
        const holder = running === undefined ? 'nobody runs it' : `${running.lease_owner} does`
        ledger.violate(`${tx.owner} committed snapshot ${snapshot} for job ${jobId}, but ${holder}`)
      }
    }
  }

  /** Opens a snapshot of each table, holds it against what was sent, and looks at it once more before its grace ends. */
  async look(): Promise<void> {
    for (const accountId of accountIds) await this.#lookAt(accountId)
  }

  async #lookAt(accountId: number): Promise<void> {
    const { timeline, ledger } = this.#options
    const [snapshot] = await this.#store.openSnapshot(accountId, [{ database: 'd', name: 't' }])
    if (snapshot === undefined) return
    const first = await this.#read(snapshot)
    // The very same records are those of the look before, which were held against what was sent.
    if (first !== this.#lastSeen.get(accountId)) {
      const bodies = this.#bodiesOf(first, `snapshot ${snapshot.table.snapshot} of account ${accountId}`)
      for (const body of this.#seen.get(accountId) ?? []) {
        if (!bodies.has(body)) ledger.violate(`body ${body.number} was in the table, and is not any more`)
      }
      this.#seen.set(accountId, bodies)
      this.#lastSeen.set(accountId, first)
    }
    const { leaps } = this
    const again = async (): Promise<void> => {
      if (!this.#toSeeAgain.delete(again) || leaps !== this.leaps) return
      await this.#lookAgain(snapshot, first)
    }
    this.#toSeeAgain.add(again)
    timeline.after(graceSeconds * 1000 - 50, undefined, () => void again())
  }

  async #lookAgain(snapshot: TableSnapshot, first: readonly string[]): Promise<void> {
    const again = await this.#read(snapshot)
    if (first === again) return
    if (first.toSorted().join() === again.toSorted().join()) return
    const { id, snapshot: number } = snapshot.table
    this.#options.ledger.violate(`snapshot ${number} of table ${id} is not what it was when a reader opened it`)
  }

  /** The ids of all records of the snapshot, from the files of its chunks: the same array, where all is as it was. */
  async #read(snapshot: TableSnapshot): Promise<readonly string[]> {
    const { chunkChanges } = this.#options.server
    const place = `${snapshot.table.id}/${snapshot.table.snapshot}`
    const known = this.#found.get(place)
    // The catalog answers the same question alike until somebody commits to it.
    const isCurrent = known !== undefined && known.chunkChanges === chunkChanges
    const chunks = isCurrent ? known.chunks : await this.#store.findChunks(snapshot, allTimes)
    const files = chunks.map((chunk) => this.#fileOf(chunk))
    if (known !== undefined && areSame(files, known.files)) {
      known.chunkChanges = chunkChanges
      known.chunks = chunks
      return known.recordIds
    }
    const recordIds = files.flatMap((file) => file?.recordIds ?? [])
    this.#found.set(place, { chunkChanges, chunks, files, recordIds })
    return recordIds
  }

  #fileOf({ id, objectKey, ...told }: Chunk): LookedAt | undefined {
    const { ledger } = this.#options
    const content = this.#contentOf(objectKey)
    if (content === undefined) {
      ledger.violate(`the file of chunk ${id} is missing`)
      return undefined
    }
    const known = this.#files.get(id)
    if (known !== undefined && known.version === content.version && isSameChunk(known.told, told)) return known
    const { body, version } = content
    const recordIds = (parseRecords(body) ?? []).map((record) => record.id)
    const isWhole = body.byteLength === told.bytes && crc32(body) === told.crc32 && recordIds.length === told.rows
    if (!isWhole) ledger.violate(`the file of chunk ${id} is not what was written`)
    const file = { version, told, recordIds }
    this.#files.set(id, file)
    return file
  }

  /** What lies under the key, and what tells it from anything else that was or will be there. */
  #contentOf(objectKey: string): { readonly body: Buffer; readonly version: unknown } | undefined {
    const { plan, bucket, image } = this.#options
    if (plan.isBucket) {
      const object = bucket.objects.get(objectKey)
      return object && { body: object.body, version: object }
    }
    const file = image.peek(`${objectsRoot}/${objectKey}`)
    return file && { body: file.seen, version: file.version }
  }

  #bodiesOf(recordIds: readonly string[], what: string): ReadonlySet<SentBody> {
    const { ledger } = this.#options
    const ids = new Set(recordIds)
    if (ids.size < recordIds.length) ledger.violate(`${what} has records twice: ${recordIds.toSorted().join(' ')}`)
    const bodies = new Set<SentBody>()
    for (const id of ids) {
      const body = ledger.bodyOfRecord(id)
      if (body === undefined) ledger.violate(`${what} has the record ${id}, which nobody sent`)
      else bodies.add(body)
    }
    for (const { records, number } of bodies) {
      const there = records.filter(({ id }) => ids.has(id)).length
      if (there < records.length) ledger.violate(`${what} has ${there} of ${records.length} records of body ${number}`)
    }
    return bodies
  }

  /** Whether everything that was acknowledged has come to its end, and nobody works on anything any more. */
  isSettled(): boolean {
    const { server, plan } = this.#options
    const { waiting, running, mergeRequests, removedChunks, objectRemovals } = server.rows
    if (waiting.rows.size + running.rows.size > 0) return false
    // Without a scheduler nothing is merged, and nothing swept.
    const left = mergeRequests.rows.size + removedChunks.rows.size + objectRemovals.rows.size
    if (plan.hasScheduler && left > 0) return false
    return this.#options.ledger.bodies.every((body) => !body.acknowledged || this.#isKept(body))
  }

  /** What must hold when all is over. */
  async judge(): Promise<void> {
    for (const again of this.#toSeeAgain) await again()
    await this.look()
    const { ledger } = this.#options
    for (const body of ledger.bodies) {
      const isStored = this.#seen.get(body.planned.account)?.has(body) === true
      if (body.acknowledged && !isStored && !this.#isKept(body)) {
        ledger.violate(`body ${body.number} was acknowledged, and is lost`)
      }
    }
    this.#judgeQuarantine()
    this.#judgeJobs()
    this.#judgeTables()
  }

  /** Applied or quarantined, which is where a body goes that kills engine processes. */
  #isKept(body: SentBody): boolean {
    const { rows } = this.#options.server
    const id = uniqueIdOf(body)
    // Bodies without an id are known by their place alone, which is not for the outside to know.
    if (id === null) return true
    return rows.appliedIds.rows.has(`${body.planned.account}/${id}`)
  }

  #judgeQuarantine(): void {
    const { rows } = this.#options.server
    for (const { reason, unique_id: id } of rows.quarantine.rows.values()) {
      if (reason !== 'worker_lost') this.#options.ledger.violate(`${id} is in the quarantine for ${reason}`)
    }
  }

  #judgeJobs(): void {
    const { server, ledger } = this.#options
    const inputs = new Map<string, number>()
    for (const { id, kind, input } of server.rows.jobs.rows.values()) {
      const ends = (server.rows.history.rows.get(id) ?? []).filter(({ to_state: state }) => finishedStates.has(state))
      if (ends.length > 1) ledger.violate(`job ${id} was finished ${ends.length} times`)
      const state = ends[0]?.to_state
      if (kind === 'import' && state !== 'success') ledger.violate(`job ${id}, an import, ended as ${state}`)
      if (kind !== 'import') continue
      const { segment, spans } = input as { readonly segment: { readonly id: string }; readonly spans: unknown }
      const frames = JSON.stringify([segment.id, spans])
      const twin = inputs.get(frames)
      if (twin !== undefined) ledger.violate(`jobs ${twin} and ${id} were submitted for the same frames`)
      inputs.set(frames, id)
    }
  }

  /** The sums that the catalog keeps are those of its rows. */
  #judgeTables(): void {
    const { server, ledger } = this.#options
    for (const table of server.rows.tables.rows.values()) {
      const chunks = [...server.rows.chunks.rows.values()].filter(({ table_id: tableId }) => tableId === table.id)
      const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
      const { appliedIds, appliedPlaces } = server.rows
      const applied = [...appliedIds.rows.values(), ...appliedPlaces.rows.values()]
        .filter(({ table_id: tableId }) => tableId === table.id)
        .reduce((sum, known) => sum + known.rows, 0)
      if (table.rows !== rows || table.chunks !== chunks.length || applied !== rows) {
        const said = `${table.rows} rows in ${table.chunks} chunks, ${applied} by its ids and places`
        ledger.violate(`table ${table.id} says ${said}, and has ${rows} in ${chunks.length}`)
      }
    }
  }
}

function isSameChunk(one: LookedAt['told'], other: LookedAt['told']): boolean {
  return one.bytes === other.bytes && one.rows === other.rows && one.crc32 === other.crc32
}

/** What is missing is never the same: it is told of again. */
function areSame(files: readonly (LookedAt | undefined)[], known: readonly (LookedAt | undefined)[]): boolean {
  return files.length === known.length && files.every((file, index) => file !== undefined && file === known[index])
}
