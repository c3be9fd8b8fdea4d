import type { IncomingMessage } from 'node:http'

import type { Randomness } from '../base/randomness.ts'

/**
 * Names each request: as its sender does in X-Request-Id, where that is short and plain, or by a count behind a
 * prefix that no other process has.
 */
export function requestIds(randomness: Randomness): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomness.bytes(6).toString('hex')
  let count = 0
  return (request) => {
    const given = request.headers['x-request-id']
    if (typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given)) return given
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}
