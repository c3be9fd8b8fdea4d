import { isAppError } from '../../base/errors.ts'
import type { AppError } from '../../base/errors.ts'
import type { Event } from './event.ts'
import type { EventCall } from './operation.ts'

/** An event with its table, or the reason for which there is none. */
export type Addressed = { readonly database: string; readonly table: string } & (
  | { readonly event: Event }
  | { readonly error: AppError }
)

/** Why an event was not kept; undefined where it is durable. */
export type Outcome = AppError | undefined

/**
 * Keeps events durably, and says of each what came of it. An event with an id is a body of its own under the id
 * `event:<uuid>`, so that its repetitions are known for as long as unique ids are; the others of a table make one body.
 */
export async function keepEvents(
  { collect, principal, door }: Pick<EventCall, 'collect' | 'principal' | 'door'>,
  events: readonly Addressed[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = events.map((one) => ('error' in one ? one.error : undefined))
  await Promise.all(
    bodiesOf(events).map(async ({ database, table, uniqueId, places, json }) => {
      const body = Buffer.from(json)
      try {
        const form = { format: 'json', encoding: 'identity', timeColumn: null, door } as const
        await collect.accept({ principal, database, table, uniqueId, ...form, body })
      } catch (error) {
        if (!isAppError(error)) throw error
        for (const place of places) outcomes[place] = error
      }
    }),
  )
  return outcomes
}

interface Body {
  readonly database: string
  readonly table: string
  readonly uniqueId: string | null
  /** Which of the events are in it. */
  readonly places: number[]
  json: string
}

function bodiesOf(events: readonly Addressed[]): Body[] {
  const bodies: Body[] = []
  const gathered = new Map<string, Body>()
  for (const [place, one] of events.entries()) {
    if ('error' in one) continue
    const { database, table, event } = one
    const key = `${database}.${table}`
    const known = event.uuid === undefined ? gathered.get(key) : undefined
    if (known !== undefined) {
      known.places.push(place)
      known.json += `,${event.json}`
      continue
    }
    const uniqueId = event.uuid === undefined ? null : `event:${event.uuid}`
    const body = { database, table, uniqueId, places: [place], json: event.json }
    bodies.push(body)
    if (uniqueId === null) gathered.set(key, body)
  }
  return bodies.map((body) => ({ ...body, json: `[${body.json}]` }))
}

/** Fails as the first of the events did, where one that has no receipt for each of them is told. */
export function requireAllKept(outcomes: readonly Outcome[]): void {
  const error = outcomes.find((outcome) => outcome !== undefined)
  if (error !== undefined) throw error
}

/**
 * Fails where not one of the events was kept for a reason that is not in the events: the key may not, or the server cannot
 * now. A sender of many is told so by the status.
 */
export function requireAnyKept(outcomes: readonly Outcome[]): void {
  if (outcomes.some((outcome) => outcome === undefined || isHopeless(outcome))) return
  requireAllKept(outcomes)
}

/** Whether the event itself is what is wrong: sending it again would not help. */
export function isHopeless({ code }: AppError): boolean {
  return code === 'invalid_name' || code === 'invalid_request' || code === 'body_too_large'
}
