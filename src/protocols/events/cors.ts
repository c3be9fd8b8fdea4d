import type { IncomingHttpHeaders } from 'node:http'

/** What SDKs send that a browser asks about first. */
const headersAllowed = [
  'authorization',
  'content-type',
  'accept',
  'user-agent',
  'x-td-write-key',
  'x-td-data-type',
  'x-td-fetch-api',
]

/** Browsers ask again after two hours at the latest. */
const preflightSeconds = 7200

/**
 * The headers that let a page read the answer. The origin is named, as browsers want it where cookies are sent along; whether
 * the key may be used from there is another question, and answered before anything is kept.
 */
export function corsHeaders(origin: string | undefined): Record<string, string> {
  const vary = { vary: 'Origin' }
  if (origin === undefined) return vary
  return { ...vary, 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' }
}

/** The answer to the question of a browser whether a page may send: it may; no key is known yet. */
export function preflightHeaders(origin: string | undefined): Record<string, string> {
  return {
    ...corsHeaders(origin),
    'access-control-allow-methods': 'GET, POST, OPTIONS',
    'access-control-allow-headers': headersAllowed.join(', '),
    'access-control-max-age': String(preflightSeconds),
  }
}

/** Where the request comes from. Scripts and images of a page name no origin, but mostly the page. */
export function originOf(method: string, headers: IncomingHttpHeaders): string | undefined {
  if (headers.origin !== undefined || method !== 'GET') return headers.origin
  const page = headers.referer
  return page !== undefined && URL.canParse(page) ? new URL(page).origin : undefined
}
