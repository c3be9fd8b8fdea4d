import type { Run } from './runs.ts'
import { runsOf } from './runs.ts'

// What the queue announces through PostgreSQL, after the change itself. An announcement may be lost with its process: it
// only saves the time until somebody looks.

/** For workers; each of the payload's items, between commas, is one of `readyItem`. */
export const readyChannel = 'biwa_jobs_ready'

/** Somebody asks for the end of the running jobs whose ids are the payload's items. */
export const killChannel = 'biwa_jobs_kill'

/** Jobs are finished; each of the payload's items is an id, or the first and the last of ids without a gap. */
export const finishedChannel = 'biwa_jobs_finished'

/** The items for these jobs: what a worker finishes together, it mostly took together, in a row. */
export function finishedItems(ids: readonly number[]): string[] {
  return runsOf(ids).map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`))
}

/** What those who wait for jobs were told. */
export function parseFinished(payload: string): Run[] {
  return payload.split(',').map((item) => {
    const [first = Number.NaN, last = first] = item.split('-').map(Number)
    return { first, last }
  })
}

export const readyItem = {
  /** Jobs of the lane can be acquired, from that position on. Whole seconds: what comes in quick succession is one item. */
  lane: (id: number, position = 0): string => `${id}:${Math.floor(position / 1e6)}`,
  /** A job becomes due then, in milliseconds since 1970. */
  due: (atMs: number): string => `@${atMs}`,
  /** Slots of the limit came back. */
  limit: (id: number): string => `#${id}`,
  /** Limits were made, changed or removed. */
  limits: '*',
}

/** What workers were told; of an item that cannot be read, nothing. */
export type Ready =
  | { readonly what: 'lane'; readonly id: number; readonly position: number }
  | { readonly what: 'due'; readonly atMs: number }
  | { readonly what: 'limit'; readonly id: number }
  | { readonly what: 'limits' }

export function parseReady(payload: string): Ready[] {
  return payload.split(',').flatMap((item): Ready[] => {
    if (item === readyItem.limits) return [{ what: 'limits' }]
    if (item.startsWith('@')) return [{ what: 'due', atMs: Number(item.slice(1)) }]
    if (item.startsWith('#')) return [{ what: 'limit', id: Number(item.slice(1)) }]
    const [id, seconds] = item.split(':').map(Number)
    return id === undefined || seconds === undefined ? [] : [{ what: 'lane', id, position: seconds * 1e6 }]
  })
}

/** Schedules were made or changed: the next one may be due sooner than the scheduler thinks. */
export const schedulesChannel = 'biwa_schedules'
