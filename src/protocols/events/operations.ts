import type { Operation } from './operation.ts'
import { globalIdOfRoot, globalIdOfScript } from './operations/global-id.ts'
import { ingestEvents } from './operations/ingest.ts'
import { keenEvents } from './operations/keen.ts'
import { postback } from './operations/postback.ts'
import { scriptEvent } from './operations/script.ts'
import { serverCookie } from './operations/server-cookie.ts'

/** Every operation of the collector. */
export const operations: readonly Operation[] = [
  scriptEvent,
  ...globalIdOfScript,
  ...keenEvents,
  postback,
  ingestEvents,
  globalIdOfRoot,
  serverCookie,
]
