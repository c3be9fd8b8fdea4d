import { addressedEvents, surroundingsOf } from '../addressed.ts'
import { batchesByTable } from '../envelope.ts'
import { receiptsOf } from '../errors.ts'
import type { Receipt } from '../errors.ts'
import { keepEvents, requireAnyKept } from '../keep-events.ts'
import { keyOfHeader } from '../operation.ts'
import type { EventCall, Operation } from '../operation.ts'
import { jsonText } from '../read-text.ts'

/**
 * The SDKs for iOS and Android before 1, and `addRecords` of td-js-sdk 2: events for several tables in one body, each with its id
 * and time. The answer has the shape of the body, with a receipt in place of each event.
 */
export const keenEvents: readonly Operation[] = [
  '/ios/v3/event',
  '/android/v3/event',
  '/js/v3/event',
  '/js/v3/event/',
].map((path) => ({
  kind: 'events',
  door: path.startsWith('/js') ? 'js' : 'mobile',
  methods: ['POST'],
  path,
  key: (request) => keyOfHeader(request) ?? request.query['api_key'],
  handle: answerBatches,
}))

async function answerBatches(call: EventCall) {
  const text = jsonText(call.body)
  const batches = batchesByTable(text)
  const around = { ...surroundingsOf(call), hasKeen: true }
  const addressed = addressedEvents(text, batches, around)
  const outcomes = await keepEvents(call, addressed)
  requireAnyKept(outcomes)
  const receipts = receiptsOf(call, addressed, outcomes)
  // A map, because senders choose the names: `constructor` is one, too.
  const byName = new Map<string, Receipt[]>()
  let at = 0
  for (const { database, table, events } of batches) {
    const name = table === '' ? database : `${database}.${table}`
    const own = byName.get(name) ?? []
    own.push(...receipts.slice(at, at + events.length))
    at += events.length
    byName.set(name, own)
  }
  return { body: Object.fromEntries(byName) }
}
