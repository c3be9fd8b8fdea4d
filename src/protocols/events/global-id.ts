import type { Clock } from '../../base/clock.ts'
import type { Randomness } from '../../base/randomness.ts'
import { uuidv7 } from '../../base/randomness.ts'

/**
 * The cookie of the server's own, by which it knows a visitor on all pages that send here. Not `_td_global`: that one is
 * the script's, of the page, and the script has to be able to write it.
 */
const cookieName = 'td_global_id'

/** Two years. */
const cookieSeconds = 63_072_000

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A visitor as the cookie tells. */
export class Visitor {
  readonly #clock: Clock
  readonly #randomness: Randomness
  readonly #isSecure: boolean
  #id: string | undefined
  #isAsked = false

  constructor(cookies: string | undefined, isSecure: boolean, ports: { clock: Clock; randomness: Randomness }) {
    this.#clock = ports.clock
    this.#randomness = ports.randomness
    this.#isSecure = isSecure
    this.#id = idOfCookies(cookies)
  }

  /** The id, from now on also of a visitor who had none. */
  get id(): string {
    this.#isAsked = true
    this.#id ??= uuidv7(this.#clock, this.#randomness)
    return this.#id
  }

  /** The header Set-Cookie that the answer needs; undefined where nobody asked for the id. */
  get setCookie(): string | undefined {
    if (!this.#isAsked) return undefined
    // Pages of other sites send a cookie only with SameSite=None, which browsers take only over TLS.
    const site = this.#isSecure ? 'SameSite=None; Secure' : 'SameSite=Lax'
    return `${cookieName}=${this.id}; Path=/; Max-Age=${cookieSeconds}; HttpOnly; ${site}`
  }
}

function idOfCookies(cookies: string | undefined): string | undefined {
  const found = (cookies ?? '')
    .split(';')
    .map((cookie) => cookie.trim().split('='))
    .find(([name]) => name === cookieName)
  return found?.[1] !== undefined && idPattern.test(found[1]) ? found[1] : undefined
}
