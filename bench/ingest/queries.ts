import { setTimeout as sleep } from 'node:timers/promises'

import type { Quantiles } from '../outcome.ts'
import { quantiles } from '../quantiles.ts'
import { ask, smallQuery } from '../query/platform.ts'
import type { QueryAccount } from '../query/platform.ts'

/** What became of the queries that were asked beside the load. */
export interface QueryFigures {
  readonly asked: number
  readonly errors: number
  /** From the moment at which a query was to be asked until its rows were read. */
  readonly ms: Quantiles
}

/** Asks so many small queries a second, however long they take, until it is told to stop. */
export async function askSteadily(
  account: QueryAccount,
  perSecond: number,
  stop: AbortSignal,
): Promise<QueryFigures | undefined> {
  if (perSecond === 0) return undefined
  const start = performance.now()
  const answers: Promise<number | undefined>[] = []
  for (let number = 0; !stop.aborted; number += 1) {
    const due = start + (number * 1000) / perSecond
    await sleep(Math.max(0, due - performance.now()))
    const answered = ask(account, smallQuery).then(
      () => performance.now() - due,
      () => undefined,
    )
    answers.push(answered)
  }
  const took = await Promise.all(answers)
  const ms = took.filter((one) => one !== undefined)
  return { asked: took.length, errors: took.length - ms.length, ms: quantiles(ms) }
}
