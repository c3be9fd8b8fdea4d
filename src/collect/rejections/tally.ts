import type { Rejection } from '../rejections.ts'
import type { CountedRejections } from './rejections.sql.ts'

export interface TallyLimits {
  /** Sorts of rejections that are told apart in a minute, for one account. */
  readonly perAccountMax: number
  /** The same for all requests together whose key is unknown: whoever has none can make up as many as he likes. */
  readonly unknownMax: number
  /** Sorts in memory, whosever they are and however long they could not be written. */
  readonly inAllMax: number
}

export const tallyLimitsDefault: TallyLimits = { perAccountMax: 200, unknownMax: 200, inAllMax: 20_000 }

const minuteMs = 60_000
const nameCharactersMax = 255
const detailCharactersMax = 500

type Sort = Omit<CountedRejections, 'requests' | 'detail' | 'lastAt'>

interface Counted {
  readonly sort: Sort
  readonly minuteMs: number
  /** Not written yet. */
  pending: number
  detail: string
  lastMs: number
}

/**
 * Counts rejections by minute and sort. Memory and rows are bounded: what would be one sort too many of its account is
 * counted with the rest, of which there is one for each door and code.
 */
export class RejectionTally {
  readonly #limits: TallyLimits
  readonly #counted = new Map<string, Counted>()
  #minuteMs = 0
  /** How many sorts of the minute each account has; those of unknown keys are under `null`. */
  readonly #sorts = new Map<number | null, number>()

  constructor(limits: TallyLimits = tallyLimitsDefault) {
    this.#limits = limits
  }

  note(rejection: Rejection, nowMs: number): void {
    this.#turnTo(Math.floor(nowMs / minuteMs) * minuteMs)
    const counted = this.#place(rejection)
    if (counted === undefined) return
    counted.pending += 1
    counted.detail = kept(rejection.detail, detailCharactersMax)
    counted.lastMs = nowMs
  }

  /** What is not written yet. `written` takes it off the count. */
  take(limit: number): { readonly rows: readonly CountedRejections[]; readonly written: () => void } {
    const taken = [...this.#counted].filter(([, { pending }]) => pending > 0).slice(0, limit)
    const rows = taken.map(([, { sort, pending, detail, lastMs }]) => {
      return { ...sort, requests: pending, detail, lastAt: new Date(lastMs) }
    })
    const written = (): void => {
      for (const [index, [name, counted]] of taken.entries()) {
        counted.pending -= rows[index]?.requests ?? 0
        if (counted.minuteMs < this.#minuteMs && counted.pending === 0) this.#counted.delete(name)
      }
    }
    return { rows, written }
  }

  #turnTo(minute: number): void {
    if (minute === this.#minuteMs) return
    this.#minuteMs = minute
    this.#sorts.clear()
    for (const [name, { pending }] of this.#counted) if (pending === 0) this.#counted.delete(name)
  }

  /** Where it is counted; undefined where even the rests of many minutes could not be written. */
  #place(rejection: Rejection): Counted | undefined {
    const sort = sortOf(rejection, new Date(this.#minuteMs))
    const name = nameOf(sort)
    const known = this.#counted.get(name)
    if (known !== undefined) return known
    const group = rejection.accountId
    const ofGroup = this.#sorts.get(group) ?? 0
    const { perAccountMax, unknownMax, inAllMax } = this.#limits
    if (ofGroup < (group === null ? unknownMax : perAccountMax) && this.#counted.size < inAllMax) {
      this.#sorts.set(group, ofGroup + 1)
      return this.#add(name, sort)
    }
    const accountId = this.#counted.size < inAllMax ? group : null
    const rest = { ...sort, accountId, keyId: null, keyHint: null, database: null, table: null, isRest: true }
    const restName = nameOf(rest)
    return this.#counted.get(restName) ?? (this.#counted.size < 2 * inAllMax ? this.#add(restName, rest) : undefined)
  }

  #add(name: string, sort: Sort): Counted {
    const counted = { sort, minuteMs: this.#minuteMs, pending: 0, detail: '', lastMs: 0 }
    this.#counted.set(name, counted)
    return counted
  }
}

function sortOf({ accountId, keyId, unknownKey, door, code, database, table }: Rejection, minute: Date): Sort {
  const isUnknown = accountId === null && unknownKey !== undefined
  return {
    minute,
    accountId: isUnknown ? claimedAccount(unknownKey) : accountId,
    keyId,
    keyHint: isUnknown ? kept(unknownKey.slice(-4), 4) : null,
    door,
    code,
    database: database === null ? null : kept(database, nameCharactersMax),
    table: table === null ? null : kept(table, nameCharactersMax),
    isRest: false,
  }
}

/** Keys begin with the number of their account. Nothing proves it, but whoever has a wrong key is looking for it there. */
function claimedAccount(key: string): number | null {
  const digits = /^([1-9]\d{0,14})\//.exec(key)?.[1]
  return digits === undefined ? null : Number(digits)
}

/** PostgreSQL's text knows neither zero bytes nor halves of characters. */
function kept(text: string, charactersMax: number): string {
  return text.slice(0, charactersMax).replaceAll(/[\0\p{Cs}]/gu, '\u{FFFD}')
}

function nameOf({ minute, accountId, keyId, keyHint, door, code, database, table, isRest }: Sort): string {
  return JSON.stringify([minute.getTime(), accountId, keyId, keyHint, door, code, database, table, isRest])
}
