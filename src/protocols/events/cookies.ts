/** The lifetime of the cookies that tell visitors again: two years. */
const cookieSeconds = 63_072_000

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The id in the cookie of this name; undefined where there is none, or it is not one of ours. */
export function idOfCookies(cookies: string | undefined, name: string): string | undefined {
  const found = (cookies ?? '')
    .split(';')
    .map((cookie) => cookie.trim().split('='))
    .find(([named]) => named === name)
  return found?.[1] !== undefined && idPattern.test(found[1]) ? found[1] : undefined
}

/**
 * The header Set-Cookie for an id. Pages of other sites send a cookie only with SameSite=None, which browsers take only over
 * TLS.
 */
export function idCookie(name: string, id: string, attributes: string, isSecure: boolean): string {
  const site = isSecure ? 'SameSite=None; Secure' : 'SameSite=Lax'
  return `${name}=${id}; Path=/; Max-Age=${cookieSeconds}; ${attributes === '' ? '' : `${attributes}; `}${site}`
}
