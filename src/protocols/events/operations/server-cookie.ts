import { AppError } from '../../../base/errors.ts'
import { uuidv7 } from '../../../base/randomness.ts'
import { idCookie, idOfCookies } from '../cookies.ts'
import { keyOfAuthorization } from '../operation.ts'
import type { Operation } from '../operation.ts'

const cookieName = '_td_ssc_id'

/**
 * `fetchServerCookie` of td-js-sdk: an id of the visitor on the pages of one domain, in a cookie that comes from a host of that
 * domain, because browsers forget those that scripts set. The script has to be able to read it.
 */
export const serverCookie: Operation = {
  kind: 'visitor',
  methods: ['GET'],
  path: '/get_cookie_id',
  key: keyOfAuthorization,
  async handle({ query, headers, hostname, isSecure, clock, randomness }) {
    const domain = requireOwnDomain(query['cookie_domain'] ?? hostname, hostname)
    const id = idOfCookies(headers.cookie, cookieName) ?? uuidv7(clock, randomness)
    const attributes = domain === hostname ? '' : `Domain=${domain}`
    return {
      headers: { 'set-cookie': idCookie(cookieName, id, attributes, isSecure) },
      body: { td_ssc_id: id },
    }
  },
}

/** Only of its own domain may a host set cookies. */
function requireOwnDomain(given: string, hostname: string): string {
  const domain = given.toLowerCase().replace(/^\./, '')
  const isOwn = domain === hostname || (domain.includes('.') && hostname.endsWith(`.${domain}`))
  if (isOwn && /^[a-z0-9.-]+$/.test(domain)) return domain
  throw new AppError(
    'invalid_request',
    `The host ${hostname} cannot set cookies of the domain “${given.slice(0, 253)}”.`,
    {
      hint: 'Give this server a name below the domain, such as ssc.example.com.',
    },
  )
}
