import { AppError } from '../../../base/errors.ts'
import { addressedEvents, surroundingsOf } from '../addressed.ts'
import { bareEvents } from '../envelope.ts'
import { keepEvents, requireAllKept } from '../keep-events.ts'
import { keyOfHeader } from '../operation.ts'
import type { EventCall, Operation } from '../operation.ts'
import { decodeBase64, jsonText } from '../read-text.ts'

/**
 * td-js-sdk 1 and 2 ask for a script with the event in the parameter `data`, or post nothing to the same address while the page
 * is left; version 3 posts the event. `modified` is there for caches, and means nothing.
 */
export const scriptEvent: Operation = {
  kind: 'events',
  door: 'js',
  methods: ['GET', 'POST'],
  path: '/js/v3/event/{database}/{table}',
  key: (request) => keyOfHeader(request) ?? request.query['api_key'],
  async handle(call) {
    const { database = '', table = '' } = call.params
    const text = jsonText(eventBytes(call))
    const batch = { database, table, events: bareEvents(text) }
    requireAllKept(await keepEvents(call, addressedEvents(text, [batch], surroundingsOf(call))))
    return { body: { created: true } }
  },
}

function eventBytes({ body, query }: EventCall): Buffer {
  if (body.byteLength > 0) return body
  const { data = '' } = query
  if (data !== '') return decodeBase64(data)
  throw new AppError('invalid_request', 'The request has no event.', {
    hint: 'Send it as base64 of JSON in the parameter `data`, or as JSON in the body.',
  })
}
