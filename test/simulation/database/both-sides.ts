import { hasOpenTransaction } from '../../../src/base/postgres/open-transactions.ts'
import type { Postgres } from '../../../src/base/postgres/postgres.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { Announcer } from '../../../src/jobs/announcer.ts'
import { finishAndAcquire } from '../../../src/jobs/acquire.sql.ts'
import { countRunning, selectActiveLanes, selectLanes } from '../../../src/jobs/active-lanes.sql.ts'
import { extendLeases } from '../../../src/jobs/heartbeat.sql.ts'
import { jobOf } from '../../../src/jobs/job-row.ts'
import { Lanes } from '../../../src/jobs/lanes.ts'
import { givenBack } from '../../../src/jobs/outcome.ts'
import { promoteDue } from '../../../src/jobs/promote.sql.ts'
import { settleAttempt, settleExpired } from '../../../src/jobs/settle.ts'
import type { SettleParts } from '../../../src/jobs/settle.ts'
import { submitJobs } from '../../../src/jobs/submit.ts'
import { selectJob } from '../../../src/jobs/watch.sql.ts'
import { seededRandomness } from '../../../src/jobs/testing/seeded-randomness.ts'
import { applyCommit } from '../../../src/store/apply-commit.ts'
import { selectTable, selectTablesByName } from '../../../src/store/catalog.sql.ts'
import { chunkOf, selectChunks } from '../../../src/store/chunks.sql.ts'
import { selectAppliedIds, selectAppliedPlaces } from '../../../src/store/commit.sql.ts'
import type { AppliedPlaces } from '../../../src/store/store.ts'
import {
  endRequest,
  moveToArchive,
  noteJobs,
  reopenRequests,
  requestMajorMerges,
  selectArchive,
  selectOpenRequests,
  selectRealtime,
} from '../../../src/store/merge/merge.sql.ts'
import { deleteRemovals, expireHistory, selectDueRemovals, selectKnownChunks } from '../../../src/store/removal.sql.ts'

export const accountId = 1
const kind = 'import'
const owner = 'a worker'
const far = 3_600_000

/** A lease that was taken, as both sides gave it out: their tokens need not be the same. */
interface HeldLease {
  readonly jobId: number
  readonly leaseToken: number
}

/** One of the two that are to behave alike: PostgreSQL, or its model. What was given out is remembered in the same order. */
export class Side {
  readonly postgres: Postgres
  readonly tableId: number
  readonly #lanes = new Lanes()
  readonly #settling: SettleParts
  readonly #jobs: number[] = []
  readonly #leases: HeldLease[] = []

  constructor(postgres: Postgres, tableId: number) {
    this.postgres = postgres
    this.tableId = tableId
    const announcer = new Announcer(postgres, systemClock)
    this.#settling = { postgres, randomness: seededRandomness(1), announcer, owner }
  }

  async submit(keys: readonly (string | undefined)[], isLater: boolean): Promise<unknown> {
    const runAt = new Date(Date.now() + far)
    const jobs = keys.map((key, place) => ({
      accountId,
      kind,
      input: { place },
      ...(key !== undefined && { uniqueKey: key }),
      ...(isLater && { runAt }),
      attemptsMax: 2,
    }))
    const { submitted } = await submitJobs(this.postgres, this.#lanes, jobs)
    for (const { job, existing } of submitted) if (!existing) this.#jobs.push(job.id)
    return submitted.map(({ job, existing }) => [job.id, job.state, job.attempt, job.input, existing])
  }

  async takeTurn(ends: readonly number[], count: number, isBrief: boolean): Promise<unknown> {
    const [lane] = await this.#lanes.ensure(this.postgres, [{ accountId, kind }])
    const ended = distinct(ends.map((index) => this.#lease(index)))
    const successes = ended.map((lease) => ({ ...lease, output: '{"a":1}', progress: null }))
    const wanted = count === 0 ? [] : [{ laneId: lane ?? 0, fromPosition: Number.MIN_SAFE_INTEGER, count }]
    const rows = await finishAndAcquire(this.postgres, successes, wanted, { owner, ms: isBrief ? -1000 : far })
    const acquired = rows.flatMap((row) => (row.id === null ? [] : [row])).toSorted((a, b) => a.id - b.id)
    for (const { id, lease_token: leaseToken } of acquired) this.#leases.push({ jobId: id, leaseToken })
    const lost = rows.flatMap((row) =>
      row.id === null ? [this.#leases.findIndex((one) => one.leaseToken === row.lease_token)] : [],
    )
    const shown = acquired.map((row) => [row.id, row.lane_id, row.attempt, row.input, row.unique_key, row.attempts_max])
    return [shown, lost.toSorted((a, b) => a - b)]
  }

  async settle(index: number, event: string): Promise<unknown> {
    const lease = this.#lease(index)
    const error = { code: 'conflict', message: 'It failed.' } as const
    const outcome =
      event === 'hand back'
        ? givenBack
        : event === 'fail'
          ? ({ event: 'fail_retryable', output: null, error, reason: 'failed' } as const)
          : ({ event: 'succeed', output: '[2]', error: null, reason: 'succeeded' } as const)
    return (await settleAttempt(this.#settling, { ...lease, outcome, progress: '{"p":1}' })) ?? 'lost'
  }

  async settleExpired(): Promise<unknown> {
    return (await settleExpired(this.#settling)).toSorted((a, b) => a - b)
  }

  async extend(indices: readonly number[]): Promise<unknown> {
    const leases = distinct(indices.map((index) => this.#lease(index)))
    const extended = await extendLeases(
      this.postgres,
      leases.map((lease) => ({ ...lease, progress: '{"at":2}' })),
      far,
    )
    return extended.map(({ leaseToken, killRequested }) => `${this.#placeOf(leaseToken)} ${killRequested}`).toSorted()
  }

  async promote(): Promise<unknown> {
    const { promoted, laneIds } = await promoteDue(this.postgres, { actor: owner, limit: 100, horizonMs: 1000 })
    return [promoted, laneIds]
  }

  async lookAtJobs(): Promise<unknown> {
    const lanes = await selectActiveLanes(this.postgres, [kind])
    const known = await selectLanes(
      this.postgres,
      lanes.map(({ id }) => id),
    )
    const running = await countRunning(this.postgres, [kind])
    const jobs = []
    for (const id of this.#jobs) {
      const row = await selectJob(this.postgres, accountId, id)
      if (row === undefined) jobs.push([id, 'is gone'])
      else {
        const { state, attempt, output, error, progress, finishedAt, startedAt } = jobOf(row)
        jobs.push([id, state, attempt, output, error?.code, progress, finishedAt === null, startedAt === null])
      }
    }
    return [lanes.map(({ id, kind: of, limit_ids: limits }) => [id, of, limits]), known, running, jobs]
  }

  async commit(what: {
    readonly ids: readonly string[]
    readonly places?: readonly [segment: string, ranges: readonly (readonly [number, number])[]]
    readonly files: readonly string[]
    readonly removed: readonly string[]
    readonly fence: number | undefined
    readonly isMerge: boolean
  }): Promise<unknown> {
    const { ids, places, files, removed, fence, isMerge } = what
    const chunks = files.map((id, index) => ({
      id,
      objectKey: `chunks/${accountId}/${this.tableId}/${id}.parquet`,
      timeRange: { from: 1000 + index, to: 2000 },
      rows: 1 + index,
      bytes: 10,
      statistics: {},
      crc32: 7,
      ...(isMerge && { sortedBy: [1] }),
    }))
    const lease = fence === undefined ? undefined : this.#lease(fence)
    try {
      return await applyCommit(this.postgres, systemClock, {
        accountId,
        target: { tableId: this.tableId, schemaVersion: 1, newColumns: [] },
        operation: isMerge ? 'merge' : 'import',
        cause: 'job:1',
        chunks,
        layer: isMerge ? 'archive' : 'realtime',
        removed,
        ids: ids.map((uniqueId) => ({ uniqueId, rows: 1, quarantined: 0 })),
        ...(places !== undefined && { places: placesOf(...places) }),
        quarantined: [],
        ...(lease !== undefined && { fence: lease }),
      })
    } catch (error) {
      return String(error).replace(/Job \d+/, 'Job N')
    }
  }

  async lookAtTable(snapshot: number): Promise<unknown> {
    const { postgres, tableId } = this
    const place = { accountId, tableId, snapshot, ranges: null, restatedVersion: 1 }
    const chunks = (await selectChunks(postgres, place)).map((row) => {
      const { createdAt: _, ...chunk } = chunkOf(row)
      return chunk
    })
    const byId = await selectTable(postgres, accountId, tableId)
    const byName = await selectTablesByName(postgres, accountId, [{ database: 'd', name: 't' }])
    const shown = [byId, ...byName].map((row) => [row?.id, row?.snapshot, row?.rows, row?.bytes, row?.chunks])
    const applied = await selectAppliedIds(postgres, place, ['a', 'b', 'c', 'd', 'e', 'f'])
    const inFirst = await selectAppliedPlaces(postgres, place, { segment: 's1', from: 0, to: 100 })
    const inSecond = await selectAppliedPlaces(postgres, place, { segment: 's2', from: 3, to: 9 })
    const realtime = (await selectRealtime(postgres, place)).map(({ id }) => id).toSorted()
    const archive = (await selectArchive(postgres, place, { from: 0, to: 1500 })).map(({ id }) => id).toSorted()
    return [chunks, shown, applied, inFirst, inSecond, realtime, archive]
  }

  /** As the scheduler and a merge do: the request, its job, and its end. */
  async request(step: string): Promise<unknown> {
    const { postgres, tableId } = this
    const later = new Date(Date.now() + far)
    if (step === 'find') return await requestMajorMerges(postgres, { settled: later, openHour: 3600 })
    if (step === 'end') return await endRequest(postgres, tableId)
    if (step === 'reopen') return await reopenRequests(postgres, later)
    const open = await selectOpenRequests(postgres, 10)
    const jobId = this.#jobs.at(-1) ?? 0
    await noteJobs(
      postgres,
      open.map(({ requested_us: requestedUs }) => ({ tableId, requestedUs, jobId })),
    )
    return open.length
  }

  async archive(ids: readonly string[]): Promise<unknown> {
    const { tableId } = this
    return await this.postgres.transaction((tx) => moveToArchive(tx, { accountId, tableId }, ids))
  }

  async sweep(isLate: boolean, files: readonly string[]): Promise<unknown> {
    const removedBefore = new Date(Date.now() + (isLate ? far : -far))
    const now = new Date(Date.now() + far)
    const forgotten = await expireHistory(this.postgres, { now, removedBefore }, 100)
    const due = (await selectDueRemovals(this.postgres, now, 10)).toSorted()
    await deleteRemovals(this.postgres, due.slice(0, 1))
    const isOpen = await hasOpenTransaction(this.postgres, 3600)
    return [forgotten, due, isOpen, (await selectKnownChunks(this.postgres, files)).toSorted()]
  }

  #lease(index: number): HeldLease {
    return this.#leases[index % Math.max(1, this.#leases.length)] ?? { jobId: 999_999, leaseToken: 999_999 }
  }

  #placeOf(leaseToken: number): number {
    return this.#leases.findIndex((lease) => lease.leaseToken === leaseToken)
  }
}

function placesOf(segment: string, ranges: readonly (readonly [number, number])[]): AppliedPlaces {
  return { segment, ranges: ranges.map(([from, to]) => ({ from, to, rows: to - from, quarantined: 0 })) }
}

function distinct(leases: readonly HeldLease[]): HeldLease[] {
  return [...new Map(leases.map((lease) => [lease.leaseToken, lease])).values()]
}
