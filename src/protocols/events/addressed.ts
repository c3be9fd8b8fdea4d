import { AppError, isAppError } from '../../base/errors.ts'
import { readEvent } from './event.ts'
import type { Surroundings } from './event.ts'
import type { Batch } from './envelope.ts'
import type { Addressed } from './keep-events.ts'
import { eventsMax, eventsSentMax } from './limits.ts'
import type { Call } from './operation.ts'
import { serverValue } from './server-values.ts'

/** What the request says of its events, where a door says nothing else. */
export function surroundingsOf(call: Call): Surroundings {
  const { address, headers, visitor, clock } = call
  const sender = { address, userAgent: headers['user-agent'], globalId: () => visitor.id }
  return {
    receivedSeconds: Math.floor(clock.nowMs() / 1000),
    known: (name) => serverValue(sender, name),
    added: [],
    time: call.query['time'],
    hasUuid: false,
    hasRecordTime: false,
    hasKeen: false,
  }
}

/**
 * The events of the batches, in order. Those that are wrong, or too many for one request, are so by themselves. Fails with
 * `body_too_large` where nobody would want to hear of each.
 */
export function addressedEvents(text: string, batches: readonly Batch[], around: Surroundings): Addressed[] {
  requireFew(batches.reduce((sum, batch) => sum + batch.events.length, 0))
  const events: Addressed[] = []
  const tooMany = tooManyAtOnce()
  for (const { database, table, events: spans } of batches) {
    for (const span of spans) {
      const at = { database, table }
      if (events.length >= eventsMax) {
        events.push({ ...at, error: tooMany })
        continue
      }
      try {
        events.push({ ...at, event: readEvent(text, span, around) })
      } catch (error) {
        if (!isAppError(error)) throw error
        events.push({ ...at, error })
      }
    }
  }
  return events
}

function requireFew(events: number): void {
  if (events <= eventsSentMax) return
  throw new AppError(
    'body_too_large',
    `The request has ${events} events; ${eventsSentMax} are too many even to refuse.`,
    {
      hint: `Send ${eventsMax} in a request.`,
    },
  )
}

/** May pass later: a sender that keeps its events until they are taken has fewer of them then. */
function tooManyAtOnce(): AppError {
  return new AppError('too_many_requests', `The request has more than ${eventsMax} events.`, {
    hint: 'Send the others in further requests.',
    retryAfterSeconds: 1,
  })
}
