import { must } from '../../base/errors.ts'
import type { AppError } from '../../base/errors.ts'
import { statusOf as statusOfTd } from '../td/errors.ts'
import { isHopeless } from './keep-events.ts'
import type { Addressed, Outcome } from './keep-events.ts'
import type { EventCall } from './operation.ts'

/**
 * A wrong write key is a 403 here: there is nobody in a page or an app who could log in. Whatever is wrong with a request is
 * a 400 to those who send events.
 */
export function statusOf(error: AppError): number {
  const status = error.code === 'unauthenticated' ? 403 : statusOfTd(error)
  return status === 422 ? 400 : status
}

/** What became of one event, for senders that keep events until they are told. */
export interface Receipt {
  /** Not the text “true”: SDKs for iOS read either, those for Android fall over a text. */
  readonly success: boolean
  readonly error?: { readonly name: string; readonly description: string }
}

/** The receipts of events whose request is answered well, each in the place of its event. */
export function receiptsOf(
  { refused }: Pick<EventCall, 'refused'>,
  events: readonly Addressed[],
  outcomes: readonly Outcome[],
): Receipt[] {
  return outcomes.map((outcome, place) => {
    const { database, table } = must(events[place], 'each outcome has its event')
    if (outcome !== undefined) refused(outcome, database, table)
    return receiptOf(outcome)
  })
}

/**
 * Mobile SDKs throw an event away after a success, and after an error of one of three names that say that the event is
 * wrong. After any other error they send it again.
 */
function receiptOf(outcome: Outcome): Receipt {
  if (outcome === undefined) return { success: true }
  const description = outcome.hint === undefined ? outcome.message : `${outcome.message} ${outcome.hint}`
  return { success: false, error: { name: nameOf(outcome), description } }
}

function nameOf(error: AppError): string {
  if (error.code === 'invalid_name') return 'InvalidCollectionNameError'
  if (isHopeless(error)) return 'InvalidPropertyValueError'
  return error.code === 'forbidden' ? 'ForbiddenError' : 'InternalServerError'
}
