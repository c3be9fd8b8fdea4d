import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Clock } from '../../base/clock.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { must } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import { openDirectoryStore } from '../../base/objects/directory-store.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import { openStore } from '../open-store.ts'
import type { NewChunk, Store } from '../store.ts'

/** A store over a database and a directory of its own, with a clock that can be put forward. */
export interface StoreBench {
  readonly store: Store
  readonly postgres: Postgres
  readonly objects: ObjectStore
  readonly clock: Clock
  /** A second store over the same things, as another process would have it. */
  openAnother(postgres: Postgres): Store
  putForward(seconds: number): void
  makeAccount(): Promise<number>
  /** A chunk whose file is in the object store. */
  uploadChunk(table: { accountId: number; tableId: number }, from: number, to: number, rows?: number): Promise<NewChunk>
  close(): Promise<void>
}

export const graceSeconds = 3600

/** The database is migrated, empty, and closed with the bench. */
export async function openStoreBench(database: {
  readonly postgres: Postgres
  close(): Promise<void>
}): Promise<StoreBench> {
  const { postgres } = database
  const folder = await mkdtemp(join(tmpdir(), 'biwa-store-'))
  let forwardMs = 0
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + forwardMs }
  const randomness = systemRandomness
  const objects = await openDirectoryStore({ root: join(folder, 'objects'), disk: systemDisk, clock, randomness })
  const openAnother = (over: Postgres) =>
    openStore({
      postgres: over,
      objects,
      clock,
      randomness,
      log: openLog('silent'),
      removalGraceSeconds: graceSeconds,
    })
  const store = openAnother(postgres)
  return {
    store,
    postgres,
    objects,
    clock,
    openAnother,
    putForward: (seconds) => (forwardMs += seconds * 1000),
    async makeAccount() {
      const rows = await postgres.query<{ id: number }>(sql`insert into accounts (name) values ('a') returning id`)
      return must(rows[0], 'the account was made').id
    },
    async uploadChunk(table, from, to, rows = 1) {
      const { id, objectKey } = store.newChunk(table)
      await objects.put(objectKey, Buffer.from(`chunk ${id}`))
      const statistics = { 1: { bytes: 10, nulls: 0 } }
      return { id, objectKey, timeRange: { from, to }, rows, bytes: 100, statistics, crc32: null }
    },
    async close() {
      await store.stop()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
