import { addressedEvents, surroundingsOf } from '../addressed.ts'
import { bareEvents } from '../envelope.ts'
import { keepEvents, requireAllKept } from '../keep-events.ts'
import { keyOfHeader } from '../operation.ts'
import type { Answer, EventCall, Operation, Texts } from '../operation.ts'
import { jsonText } from '../read-text.ts'
import { redirection } from '../redirect.ts'

/** Parameters that say what to do, and become no columns. */
const instructions: ReadonlySet<string> = new Set(['td_write_key', 'td_format', 'td_redirect'])

/** Third parties post an event as JSON, or get an address whose parameters are the event: a pixel in a mail, a link. */
export const postback: Operation = {
  kind: 'events',
  door: 'postback',
  methods: ['GET', 'POST'],
  path: '/postback/v3/event/{database}/{table}',
  key: (request) => keyOfHeader(request) ?? request.query['td_write_key'],
  async handle(call) {
    const { database = '', table = '' } = call.params
    const redirect = redirection(call)
    const text = call.method === 'GET' ? textOfQuery(call.query) : jsonText(call.body)
    const batch = { database, table, events: bareEvents(text) }
    const around = { ...surroundingsOf(call), time: undefined, hasRecordTime: true }
    requireAllKept(await keepEvents(call, addressedEvents(text, [batch], around)))
    return redirect ?? answerOf(call)
  },
}

/** Every value of an address is a text. */
function textOfQuery(query: Texts): string {
  return JSON.stringify(Object.fromEntries(Object.entries(query).filter(([name]) => !instructions.has(name))))
}

function answerOf({ method, query }: EventCall): Answer {
  if (method !== 'GET' || query['td_format'] !== 'pixel') return { body: {} }
  return { headers: { 'content-type': 'image/gif' }, body: pixel }
}

/** One transparent dot. */
const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
