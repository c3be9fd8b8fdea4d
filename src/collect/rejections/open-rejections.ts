import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Rejections } from '../rejections.ts'
import { addRejections, deleteRejections, selectRejections } from './rejections.sql.ts'
import { RejectionTally } from './tally.ts'

/** The first account is that of whoever installed Biwa. */
const operatorsAccount = 1

const writeEveryMs = 1000
const rowsPerWrite = 5000

export interface RejectionsOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
}

export function openRejections({ postgres, clock, log }: RejectionsOptions): Rejections {
  const tally = new RejectionTally()
  const ending = new AbortController()
  let writing: Promise<void> | undefined

  async function write(): Promise<void> {
    const { rows, written } = tally.take(rowsPerWrite)
    if (rows.length === 0) return
    try {
      await addRejections(postgres, rows)
      written()
    } catch (error) {
      log.warn({ err: error }, 'rejections could not be noted; it is tried again')
    }
  }

  async function writeEachSecond(): Promise<void> {
    while (!ending.signal.aborted) {
      await clock.sleep(writeEveryMs, ending.signal)
      await write()
    }
  }

  return {
    name: 'rejections',
    async start() {
      writing ??= writeEachSecond()
    },
    async stop() {
      ending.abort()
      await writing
    },
    note: (rejection) => tally.note(rejection, clock.nowMs()),
    list: (accountId, question) =>
      selectRejections(postgres, { accountId, nobodys: accountId === operatorsAccount }, question),
  }
}

/** How much one call deletes. */
const rowsMax = 20_000

/** Deletes some of the rejections that are too old. Returns how many; call it until there are none. */
export function forgetRejections(options: RejectionsOptions & { readonly keptHours: number }): Promise<number> {
  const before = new Date(options.clock.nowMs() - options.keptHours * 3_600_000)
  return deleteRejections(options.postgres, before, rowsMax)
}
