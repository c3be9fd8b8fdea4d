import { Cron } from 'croner'

import { AppError } from '../../base/errors.ts'

/** Times as a cron and a time zone name them, in milliseconds since 1970: always whole seconds. */
export interface CronTimes {
  /** The first time after `afterMs`; null where there is none. */
  next(afterMs: number): number | null
}

const textMax = 200
const nicknames = new Set(['@hourly', '@daily', '@weekly', '@monthly'])

/**
 * Reads a cron; fails with `invalid_request` for one that cannot be read, and for a time zone that is unknown.
 *
 * Where clocks are changed, crons with plain hours and minutes (`30 2 * * *`, `0 2,14 * * *`) run once a day: a time that
 * does not exist in spring runs right after the gap, and of a time that there is twice in autumn the first counts. Crons
 * with a `*` or a step in hours or minutes run whenever the local clock shows such a time: every real hour or quarter.
 */
export function parseCron(text: string, timezone: string): CronTimes {
  const fields = text.trim().split(/\s+/).length
  const isNickname = nicknames.has(text.trim())
  if (text.length > textMax || !(isNickname || fields === 5 || fields === 6)) {
    throw invalidCron(text, 'it has neither five nor six fields')
  }
  checkTimezone(timezone)
  const cron = read(text, timezone)
  return {
    next: (afterMs) => cron.nextRun(new Date(Math.floor(afterMs / 1000) * 1000))?.getTime() ?? null,
  }
}

function read(text: string, timezone: string): Cron {
  try {
    return new Cron(text.trim(), { timezone, paused: true, fixedTimeRule: 'no-wildcard' })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^CronPattern: /, '') : String(cause)
    throw invalidCron(text, reason, cause)
  }
}

function invalidCron(text: string, reason: string, cause?: unknown): AppError {
  return new AppError(
    'invalid_request',
    `The cron ${JSON.stringify(text.slice(0, textMax))} cannot be read: ${reason}.`,
    {
      hint: 'Write minute, hour, day of the month, month and day of the week, such as "30 2 * * MON-FRI"; or @hourly, @daily, @weekly, @monthly.',
      cause,
    },
  )
}

/** Fails with `invalid_request` unless it is an IANA name. Offsets such as `+09:00` are none: they have no rules. */
export function checkTimezone(timezone: string): void {
  try {
    if (!/^[+-]/.test(timezone)) return void new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    // The sentence below says it better.
  }
  throw new AppError('invalid_request', `The time zone ${JSON.stringify(timezone.slice(0, textMax))} is not known.`, {
    hint: 'Give an IANA name such as UTC, Europe/Berlin or Asia/Tokyo.',
  })
}

/** Enough for all crons that are due together; beyond, it starts again. */
const cachedMax = 50_000

/** Crons that were read, and the times that were asked for: schedules that are due together mostly share them. */
export class CronCache {
  readonly #crons = new Map<string, CronTimes>()

  get(text: string, timezone: string): CronTimes {
    const key = `${timezone}\n${text}`
    const known = this.#crons.get(key)
    if (known !== undefined) return known
    const made = remembering(parseCron(text, timezone))
    if (this.#crons.size >= cachedMax) this.#crons.clear()
    this.#crons.set(key, made)
    return made
  }
}

/** Remembers the last answer: whoever fires asks again and again for the time after the one that is due. */
function remembering(cron: CronTimes): CronTimes {
  let last: { readonly afterMs: number; readonly nextMs: number | null } | undefined
  return {
    next(afterMs) {
      if (last?.afterMs !== afterMs) last = { afterMs, nextMs: cron.next(afterMs) }
      return last.nextMs
    },
  }
}
