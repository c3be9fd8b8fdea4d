import type { Clock } from '../base/clock.ts'
import { AppError, must } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { pgCode } from '../base/postgres/postgres.ts'
import { Announcer } from './announcer.ts'
import { readyChannel, readyItem } from './channels.ts'
import { parseLimitKey } from './limit-key.ts'
import type { LimitKey } from './limit-key.ts'
import type { Limit, Limits } from './limits.ts'
import { slotsMax } from './limits.ts'
import { deleteLimit, pauseLimit, selectLimits, upsertLimit } from './limits.sql.ts'

export interface LimitsOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Limits of the queue. A limit counts the leases that are taken while it is there: jobs that run when it is made hold no
 * slots of it, and those that hold slots when it is removed give back nothing, also where the key is set anew meanwhile.
 */
export function openLimits({ postgres, clock, log }: LimitsOptions): Limits {
  const announcer = new Announcer(postgres, clock)

  /** Tells it to workers, which keep in mind what limits there are. */
  function changed(limit: Limit | undefined, key: string, what: string): Limit {
    if (limit === undefined) throw limitNotFound(key)
    announcer.announce(readyChannel, [readyItem.limits])
    log.info({ limit: key, slots: limit.slots, pausedUntil: limit.pausedUntil }, `a limit was ${what}`)
    return limit
  }

  return {
    list: (accountId) => selectLimits(postgres, accountId),
    async set(accountId, key, slots) {
      const limitKey = keyOf(accountId, key)
      if (!Number.isInteger(slots) || slots < 0 || slots > slotsMax) throw invalidSlots(key, slots)
      const limit = await upsertLimit(postgres, limitKey, slots).catch((error: unknown) => {
        throw pgCode(error) === foreignKeyViolation ? accountNotFound(limitKey) : error
      })
      return changed(must(limit, 'a limit that is set is answered'), key, 'set')
    },
    async remove(accountId, key) {
      keyOf(accountId, key)
      return changed(await deleteLimit(postgres, key), key, 'removed')
    },
    async pause(accountId, key, until) {
      keyOf(accountId, key)
      if (until !== null && Number.isNaN(until.getTime())) throw invalidPause(key)
      return changed(await pauseLimit(postgres, key, until), key, until === null ? 'resumed' : 'paused')
    },
  }
}

const foreignKeyViolation = '23503'

/** The key, if those who are confined to the account may have it. */
function keyOf(accountId: number | null, key: string): LimitKey {
  const limitKey = parseLimitKey(key)
  if (accountId === null || limitKey.accountId === accountId) return limitKey
  throw new AppError('forbidden', `The limit "${key}" is not one of account ${accountId}.`, {
    hint: `Limits of the account are account:${accountId}, account:${accountId}/kind:…, workgroup:${accountId}/… and resource:${accountId}/….`,
  })
}

function invalidSlots(key: string, slots: number): AppError {
  return new AppError('invalid_request', `The limit "${key}" cannot have ${slots} slots.`, {
    hint: `Give a whole number from 0, which lets nothing run, to ${slotsMax}.`,
  })
}

function invalidPause(key: string): AppError {
  return new AppError('invalid_request', `The time until which the limit "${key}" is to pause cannot be read.`, {
    hint: 'Give a time such as 2026-01-31T12:00:00Z, or none to end the pause.',
  })
}

function limitNotFound(key: string): AppError {
  return new AppError('limit_not_found', `The limit "${key}" does not exist.`, {
    hint: 'List the limits to find the right key, or set it to make it.',
  })
}

function accountNotFound({ key, accountId }: LimitKey): AppError {
  return new AppError('account_not_found', `The account ${accountId} of the limit "${key}" does not exist.`, {
    hint: 'List the accounts to find the right id.',
  })
}
