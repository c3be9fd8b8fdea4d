import type { Disk, DiskFile } from '../../src/base/disk.ts'
import type { ObjectStore } from '../../src/base/objects/objects.ts'
import type { Postgres } from '../../src/base/postgres/postgres.ts'
import { isAppError } from '../../src/base/errors.ts'
import type { FramePlace, Inbox } from '../../src/collect/inbox/inbox.ts'
import type { Jobs } from '../../src/jobs/jobs.ts'
import type { Store } from '../../src/store/store.ts'
import type { AppliedRecord, ChunkRecord } from './database/rows.ts'
import type { ModelServer } from './database/server.ts'
import type { StatementContext, StatementModel, StatementModels } from './database/statement-models.ts'
import { soundFrames } from './planted-checksums.ts'
import type { Life } from './timeline.ts'

/** Where a planted bug takes hold: around the product's parts, so that the product itself has none. */
export interface Sabotage {
  readonly disk?: (disk: Disk) => Disk
  readonly driver?: (driver: ObjectStore) => ObjectStore
  readonly postgres?: (postgres: Postgres, server: ModelServer, life: Life) => Postgres
  readonly models?: (models: StatementModels) => StatementModels
  readonly inbox?: (inbox: Inbox) => Inbox
  readonly jobs?: (jobs: Jobs) => Jobs
  readonly store?: (store: Store) => Store
  readonly graceSeconds?: number
}

/** Bugs that the simulation has to find: the list is a test of the test. */
export const plantedBugs = {
  /** The inbox acknowledges while its sync is still under way. */
  early_ack: {
    disk: (disk) =>
      withFiles(disk, (file) => ({
        ...file,
        sync: async () => void file.sync().catch(() => {}),
        async writeDurably(data, offset) {
          await file.writeAll(data, offset)
          void file.sync().catch(() => {})
        },
      })),
  },
  /** Nothing that is written is ever synced. */
  missing_fsync: {
    disk: (disk) =>
      withFiles(disk, (file) => ({
        ...file,
        sync: async () => {},
        writeDurably: (data, offset) => file.writeAll(data, offset),
      })),
  },
  /** New names are not made durable: files are synced, their directories are not. */
  missing_directory_sync: { disk: (disk) => ({ ...disk, syncDirectory: async () => {} }) },
  /** What lies on the disk passes for a frame, whatever its checksum says. */
  no_checksum: {
    disk: (disk) =>
      withFiles(disk, (file) => ({
        ...file,
        read: async (offset, length) => soundFrames(await file.read(offset, length)),
      })),
  },
  /** Ids that were applied are not remembered. */
  no_deduplication: {
    models: (models) =>
      replaced(models, {
        selectAppliedIds: () => [],
        insertAppliedIds: ({ tx, rows }, values) => {
          const [accountId, tableId, snapshot, ids] = values as [number, number, number, string[]]
          const place = { account_id: accountId, table_id: tableId, snapshot, rows: 0, quarantined: 0 }
          for (const id of ids) {
            const row: AppliedRecord = { ...place, unique_id: id }
            if (tx.tryLock(rows.appliedIds, `${tableId}/${id}`, 'update'))
              tx.put(rows.appliedIds, `${tableId}/${id}`, row)
          }
          return ids.map((id) => ({ unique_id: id }))
        },
        selectAppliedPlaces: () => [],
        insertAppliedPlaces: putPlaces,
      }),
  },
  /** A range of places is added although another one touches it, as jobs cut them that were made after a crash. */
  overlapping_places: { models: (models) => replaced(models, { insertAppliedPlaces: putPlaces }) },
  /** The inbox forgets a frame when its job is submitted, and not when its rows are committed. */
  early_release: {
    inbox: (inbox) =>
      changed(inbox, {
        async append(header, body): Promise<FramePlace> {
          const place = await inbox.append(header, body)
          inbox.settle(place.segment, 1, place.to)
          return place
        },
        settle: () => {},
      }),
  },
  /** The end of an attempt is written whoever holds the lease by then. */
  double_finish: {
    models: (models) =>
      around(models, 'finishAndAcquire', (real) => async (context, values) => {
        const [jobIds] = values as [number[]]
        for (const jobId of jobIds) {
          const history = context.tx.get(context.rows.history, jobId)
          const last = history?.at(-1)
          if (history !== undefined && last?.to_state === 'success') {
            context.tx.put(context.rows.history, jobId, [...history, last])
          }
        }
        return await real(context, values)
      }),
  },
  /** A commit does not ask whether its job still holds the lease. */
  lease_without_fence: { models: (models) => replaced(models, { holdLease: () => [{}] }) },
  /** Files of removed chunks go at once, although queries still read them. */
  sweep_without_grace: { graceSeconds: 0 },
  /** A merge replaces chunks that are not there any more. */
  unchecked_merge: {
    models: (models) =>
      around(models, 'removeChunks', (real) => async (context, values) => {
        const [totals] = (await real(context, values)) as [ChunkTotals]
        return [{ ...totals, chunks: (values[0] as string[]).length }]
      }),
  },
  /** Each statement of a transaction is committed by itself. */
  half_commit: {
    postgres: (postgres) => ({ ...postgres, transaction: (body) => body({ query: (asked) => postgres.query(asked) }) }),
  },
  /** A put that failed passes for one that worked. */
  lost_object: {
    driver: (driver) =>
      changed(driver, {
        putFile: (key, path, call) =>
          driver.putFile(key, path, call).catch((error: unknown) => {
            if (!isAppError(error, 'object_store_unavailable')) throw error
          }),
      }),
  },
  /** A job is submitted without the key by which its repetition is known. */
  submission_without_key: {
    jobs: (jobs) =>
      changed(jobs, {
        submitAll: (submitted) =>
          jobs.submitAll(
            submitted.map((job) => {
              const { uniqueKey: _, ...keyless } = job
              return keyless
            }),
          ),
      }),
  },
  /** A commit without an answer passes for done. */
  unknown_is_done: {
    store: (store) =>
      changed(store, {
        async commit(commit) {
          try {
            return await store.commit(commit)
          } catch (error) {
            if (!isAppError(error, 'database_unavailable')) throw error
            return { kind: 'committed', tableId: 0, snapshot: 0 }
          }
        },
      }),
  },
} as const satisfies Readonly<Record<string, Sabotage>>

export type PlantedBug = keyof typeof plantedBugs

type ChunkTotals = Pick<ChunkRecord, 'rows' | 'bytes'> & { readonly chunks: number }

/** Methods of a class are found on its prototype: a copy of the object would not have them. */
function changed<T extends object>(original: T, changes: Partial<T>): T {
  return new Proxy(original, {
    get(target, key) {
      if (key in changes) return changes[key as keyof T]
      const member: unknown = Reflect.get(target, key)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

function withFiles(disk: Disk, wrap: (file: DiskFile) => DiskFile): Disk {
  return { ...disk, open: async (path, mode) => wrap(await disk.open(path, mode)) }
}

function around(
  models: StatementModels,
  name: string,
  wrap: (real: StatementModel) => StatementModel,
): StatementModels {
  return new Map(
    [...models].map(([parts, known]) => [parts, known.name === name ? { ...known, run: wrap(known.run) } : known]),
  )
}

/** Puts ranges of places, whatever is there. */
function putPlaces({ tx, rows }: StatementContext, values: readonly unknown[]): unknown[] {
  const [accountId, tableId, segment, snapshot, froms, tos, counts] = values as InsertedPlaces
  for (const [index, from] of froms.entries()) {
    const range = { from, to: tos[index] ?? 0, rows: counts[index] ?? 0, quarantined: 0 }
    const place = { account_id: accountId, table_id: tableId, segment, snapshot }
    const key = `${tableId}/${segment}/${from}`
    if (tx.tryLock(rows.appliedPlaces, key, 'update')) tx.put(rows.appliedPlaces, key, { ...place, ...range })
  }
  return froms.map((from) => ({ from_byte: from }))
}

type InsertedPlaces = [number, number, string, number, number[], number[], number[]]

function replaced(
  models: StatementModels,
  others: Readonly<Record<string, (context: StatementContext, values: readonly unknown[]) => unknown[]>>,
): StatementModels {
  return new Map([...models].map(([parts, known]) => [parts, { ...known, run: others[known.name] ?? known.run }]))
}
