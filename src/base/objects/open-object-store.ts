import { resolve } from 'node:path'

import type { Clock } from '../clock.ts'
import type { Disk } from '../disk.ts'
import { AppError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Randomness } from '../randomness.ts'
import { openDirectoryStore } from './directory-store.ts'
import type { ObjectStore } from './objects.ts'
import { openS3Store } from './s3-store.ts'
import { steadyStore } from './steady-store.ts'

export interface ObjectStoreOptions {
  /** A directory, or `s3://bucket/prefix`. */
  readonly location: string
  /** See `SteadyOptions`. */
  readonly silenceMsMax: number
  readonly attemptsMax: number
  readonly log: Logger
  /** For S3 alone; see `S3StoreOptions`. */
  readonly endpoint?: string
  readonly region?: string
  readonly pathStyle?: boolean
  readonly cacheDirectory: string
  readonly cacheBytesMax: number
  readonly disk: Disk
  readonly clock: Clock
  readonly randomness: Randomness
}

/**
 * Opens the object store that a setting names. A setting that makes no sense fails with `startup`; whether the store
 * can be reached shows in `check()`.
 */
export async function openObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  return steadyStore(await openDriver(options), options)
}

async function openDriver(options: ObjectStoreOptions): Promise<ObjectStore> {
  const { location, endpoint, region, pathStyle, cacheDirectory, cacheBytesMax, disk, clock, randomness } = options
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(location)?.[1]?.toLowerCase()
  if (scheme === undefined) return await openDirectoryStore({ root: resolve(location), disk, clock, randomness })
  const { bucket, prefix } = parseS3Location(location)
  if (endpoint !== undefined) requireUrl(endpoint)
  return await openS3Store({
    bucket,
    prefix,
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(pathStyle !== undefined && { forcePathStyle: pathStyle }),
    cacheDirectory,
    cacheBytesMax,
    disk,
    randomness,
  })
}

/** Bucket names as S3 has them; prefixes of characters that need no escaping anywhere. */
const s3Pattern =
  /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?((?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*(?:[A-Za-z0-9_-][A-Za-z0-9._-]*)?)$/

export function parseS3Location(location: string): { bucket: string; prefix: string } {
  const [, bucket, prefix] = s3Pattern.exec(location) ?? []
  if (bucket === undefined || prefix === undefined) {
    throw new AppError('startup', `The object store cannot be at "${location}".`, {
      hint: 'Name a directory, or a bucket like s3://bucket or s3://bucket/prefix.',
    })
  }
  return { bucket, prefix: prefix.replace(/\/$/, '') }
}

function requireUrl(endpoint: string): void {
  if (URL.canParse(endpoint) && /^https?:/i.test(endpoint)) return
  throw new AppError('startup', `The endpoint of the object store cannot be "${endpoint}".`, {
    hint: 'Give an address like http://127.0.0.1:9000.',
  })
}
