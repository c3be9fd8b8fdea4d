import fc from 'fast-check'
import { expect, it } from 'vitest'

import { isAppError } from '../../base/errors.ts'
import { addressedEvents } from './addressed.ts'
import { bareEvents, batchesByTable, listedEvents } from './envelope.ts'
import type { Batch } from './envelope.ts'
import type { Surroundings } from './event.ts'
import { jsonText } from './read-text.ts'

const around: Surroundings = {
  receivedSeconds: 1_700_000_000,
  known: (name) => (name === 'td_ip' ? '192.0.2.7' : undefined),
  added: ['td_ip'],
  time: '7',
  hasUuid: true,
  hasRecordTime: true,
  hasKeen: true,
}

const one = (events: Batch['events']): Batch[] => [{ database: 'd', table: 't', events }]
const doors: readonly ((text: string) => readonly Batch[])[] = [
  (text) => one(listedEvents(text)),
  (text) => one(bareEvents(text)),
  batchesByTable,
]

/** Bodies as SDKs send them, with something of them broken. */
const bodies = [
  '{"events":[{"td_ip":"td_ip","n":1.50,"uuid":"A-1"},{"a":[{"b":"\\"}]"}]}]}',
  '{"web.clicks":[{"#UUID":"A","#SSUT":"sent","keen":{"timestamp":"2023-11-14T22:13:20Z"}}],"web.views":[]}',
  '{"td_record_time":"1700000000","td_title":"\\u00e4\\\\","deep":{"a":{"b":[1,2,{"c":null}]}}}',
]
const mutated = fc
  .record({ body: fc.constantFrom(...bodies), at: fc.nat(200), cut: fc.nat(5), put: fc.uint8Array({ maxLength: 4 }) })
  .map(({ body, at, cut, put }) => {
    const bytes = Buffer.from(body)
    return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)])
  })

it('whatever comes is events that are JSON, or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      fc.constantFrom(...doors),
      (body, door) => {
        try {
          const text = jsonText(Buffer.from(body))
          for (const addressed of addressedEvents(text, door(text), around)) {
            if ('event' in addressed) expect(typeof JSON.parse(addressed.event.json)).toBe('object')
          }
        } catch (error) {
          if (!isAppError(error)) throw error
        }
      },
    ),
    { numRuns: 2000 },
  )
})
