import { keyOfAuthorization, keyOfHeader } from '../operation.ts'
import type { Call, Operation } from '../operation.ts'

/** A visitor's id on all pages that send here: in the answer for the page, in a cookie for the next time. */
async function tellGlobalId({ visitor }: Call) {
  return { body: { global_id: visitor.id } }
}

/** td-js-sdk 1 to 3. */
export const globalIdOfScript: readonly Operation[] = ['/js/v3/global_id', '/js/v3/enable_global_id'].map((path) => ({
  kind: 'visitor',
  methods: ['GET'],
  path,
  key: (request) => keyOfHeader(request) ?? request.query['api_key'],
  handle: tellGlobalId,
}))

/** td-js-sdk 4 asks at the root. */
export const globalIdOfRoot: Operation = {
  kind: 'visitor',
  methods: ['GET'],
  path: '/',
  isMarked: true,
  key: keyOfAuthorization,
  handle: tellGlobalId,
}
