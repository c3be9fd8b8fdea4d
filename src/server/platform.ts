import { join, resolve } from 'node:path'

import { openAccess } from '../access/open-access.ts'
import type { Access } from '../access/access.ts'
import { systemClock } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/log.ts'
import { objectAddress } from '../base/objects/object-address.ts'
import type { ObjectAddress } from '../base/objects/object-address.ts'
import { openObjectStore } from '../base/objects/open-object-store.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import { postgresAt } from '../base/postgres/postgres.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { systemRandomness } from '../base/randomness.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Service } from '../base/service.ts'
import type { Settings } from '../base/settings.ts'
import { openJobs } from '../jobs/open-jobs.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { IcebergCatalog } from '../store/iceberg.ts'
import { openIceberg } from '../store/iceberg/open-iceberg.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import type { RoleNotes } from './predecessors.ts'

/** Where things lie below the data directory. */
export interface Paths {
  readonly objects: string
  readonly inbox: string
  readonly cache: string
  readonly scratch: string
  /** Notes of workers, by which it is known which of them are gone. */
  readonly workers: string
  /** Notes of the processes of roles, by which a supervisor finds those of one that was killed. */
  readonly roles: string
}

/** What every role is made of: the real ports, and the doors that all of them use. */
export interface Platform {
  readonly settings: Settings
  readonly paths: Paths
  readonly notes: RoleNotes
  readonly log: Logger
  readonly clock: Clock
  readonly randomness: Randomness
  readonly disk: Disk
  readonly postgres: Postgres
  readonly objects: ObjectStore
  readonly access: Access
  readonly jobs: Jobs
  readonly store: Store
  /** The services above, in the order of their start. */
  readonly services: readonly Service[]
}

/** The connections of one role. PostgreSQL allows 100 by default: enough for three roles and a few more of each. */
const connectionsMax = 10

/** What the api does not get in this time, its clients have stopped waiting for. Commits of the others may take longer. */
const statementMsMax = { api: 10_000, others: 60_000 }

/** How long queries may go on reading the files of a dropped table. */
const removalGraceSeconds = 6 * 3600

export function pathsOf(dataDirectory: string): Paths {
  const below = (name: string) => join(resolve(dataDirectory), name)
  const [objects, inbox, cache] = [below('objects'), below('inbox'), below('cache')]
  return { objects, inbox, cache, scratch: below('scratch'), workers: below('workers'), roles: below('roles') }
}

/** Opens the object store that the settings name; by default a directory of the data directory. */
export function openObjects(settings: Settings, log: Logger): Promise<ObjectStore> {
  const paths = pathsOf(settings.dataDirectory)
  return openObjectStore({
    ...locationOf(settings),
    silenceMsMax: settings.objectStoreStallSeconds * 1000,
    attemptsMax: settings.objectStoreAttempts,
    log,
    cacheDirectory: paths.cache,
    cacheBytesMax: settings.cacheBytes,
    disk: systemDisk,
    clock: systemClock,
    randomness: systemRandomness,
  })
}

function locationOf(settings: Settings) {
  return {
    location: settings.objectStore === '' ? pathsOf(settings.dataDirectory).objects : settings.objectStore,
    ...(settings.objectStoreEndpoint !== '' && { endpoint: settings.objectStoreEndpoint }),
    pathStyle: settings.objectStorePathStyle,
  }
}

/** Where other programs find the objects. */
export function addressOfObjects(settings: Settings): ObjectAddress {
  return objectAddress(locationOf(settings))
}

/** Connects to nothing yet: the services do when they start. */
export async function openPlatform(settings: Settings, role: string, log: Logger): Promise<Platform> {
  const paths = pathsOf(settings.dataDirectory)
  const ports = { clock: systemClock, randomness: systemRandomness, disk: systemDisk, log }
  const postgres = postgresAt({
    url: settings.databaseUrl,
    connectionsMax,
    applicationName: `biwa ${role}`,
    statementTimeoutMs: role === 'api' ? statementMsMax.api : statementMsMax.others,
  })
  const objects = await openObjects(settings, log)
  const access = openAccess({ postgres, ...ports })
  const jobs = openJobs({ postgres, ...ports })
  const store = openStore({ postgres, objects, removalGraceSeconds, ...ports })
  const connections: Service = {
    name: 'connections',
    start: async () => {},
    async stop() {
      await objects.close()
      await postgres.close()
    },
  }
  return {
    settings,
    paths,
    notes: { disk: systemDisk, directory: paths.roles, log },
    ...ports,
    postgres,
    objects,
    access,
    jobs,
    store,
    // Only those who answer requests wait for the ends of jobs: nobody else needs to hear of each of them.
    services: [connections, access, ...(role === 'api' ? [jobs] : []), store],
  }
}

/** The catalog for other engines, over the same things as the store. */
export function openCatalog({ settings, ...ports }: Platform): IcebergCatalog {
  return openIceberg({ ...ports, address: addressOfObjects(settings), graceMs: removalGraceSeconds * 1000 })
}
