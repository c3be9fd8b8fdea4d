import { addressedEvents, surroundingsOf } from '../addressed.ts'
import { bareEvents, listedEvents } from '../envelope.ts'
import { receiptsOf } from '../errors.ts'
import type { Surroundings } from '../event.ts'
import { keepEvents, requireAnyKept } from '../keep-events.ts'
import { keyOfAuthorization, keyOfHeader } from '../operation.ts'
import type { EventCall, Operation } from '../operation.ts'
import { jsonText } from '../read-text.ts'

/** td-js-sdk 4, and the SDKs for iOS and Android from 1 on. Each event gets a receipt, in order. */
export const ingestEvents: Operation = {
  kind: 'events',
  door: 'mobile',
  methods: ['POST'],
  path: '/{database}/{table}',
  isMarked: true,
  key: (request) => keyOfAuthorization(request) ?? keyOfHeader(request),
  async handle(call) {
    const { database = '', table = '' } = call.params
    const text = jsonText(call.body)
    const events = mediaTypeOf(call) === 'single' ? bareEvents(text) : listedEvents(text)
    const addressed = addressedEvents(text, [{ database, table, events }], around(call))
    const outcomes = await keepEvents(call, addressed)
    requireAnyKept(outcomes)
    return { body: { receipts: receiptsOf(call, addressed, outcomes) } }
  },
}

function around(call: EventCall): Surroundings {
  // In a page, `uuid` may be anybody's id, such as that of a visitor. Pages have an origin, and td-js-sdk says `modified`.
  const isPage = call.headers.origin !== undefined || call.query['modified'] !== undefined
  // Apps that may tell the address send this media type, and no field for it.
  const added = mediaTypeOf(call) === 'mobile' ? ['td_ip'] : []
  return { ...surroundingsOf(call), hasUuid: !isPage, added }
}

/** What stands between version and suffix: `js`, `mobile`, `single`. */
function mediaTypeOf({ headers }: EventCall): string | undefined {
  return /treasuredata\.v1\.([a-z]+)\+json/i.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase()
}
