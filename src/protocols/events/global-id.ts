import type { Clock } from '../../base/clock.ts'
import type { Randomness } from '../../base/randomness.ts'
import { uuidv7 } from '../../base/randomness.ts'
import { idCookie, idOfCookies } from './cookies.ts'

/**
 * The cookie of the server's own, by which it knows a visitor on all pages that send here. Not `_td_global`: that one is
 * the script's, of the page, and the script has to be able to write it.
 */
const cookieName = 'td_global_id'

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
    this.#id = idOfCookies(cookies, cookieName)
  }

  /** The id, from now on also of a visitor who had none. */
  get id(): string {
    this.#isAsked = true
    this.#id ??= uuidv7(this.#clock, this.#randomness)
    return this.#id
  }

  /** The header Set-Cookie that the answer needs; undefined where nobody asked for the id. */
  get setCookie(): string | undefined {
    return this.#isAsked ? idCookie(cookieName, this.id, 'HttpOnly', this.#isSecure) : undefined
  }
}
