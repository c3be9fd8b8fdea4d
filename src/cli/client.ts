import type { Problem } from '../api/contract/problem.ts'
import type { Clock } from '../base/clock.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Config } from './config.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Query = Readonly<Record<string, string | number | undefined>>

export interface RequestOptions {
  readonly query?: Query
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly body?: Uint8Array
  readonly signal?: AbortSignal
  readonly retry?: RetryPolicy
}

/** When and how long the same request is sent again. Waits grow from 250 ms to 10 s; Retry-After is obeyed. */
export interface RetryPolicy {
  readonly forMs: number
  /** Also when no whole answer came. Only for requests that may be applied twice without harm. */
  readonly unreachable: boolean
  /** Told before each wait. */
  readonly onRetry?: (failure: Failure, delayMs: number) => void
}

/** A busy server is asked again for a little while: it says that it did nothing of the request. */
const patience: RetryPolicy = { forMs: 10_000, unreachable: false }

/** For requests that can be repeated: survives a restart of the server. */
export const persistence: RetryPolicy = { forMs: 60_000, unreachable: true }

/** The answers that promise that the same request can succeed later. */
const passingStatuses: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])

export interface ClientParts {
  readonly config: Config
  readonly clock: Clock
  readonly randomness: Randomness
}

/** A path below /api/v1 in which every inserted value is encoded. */
export function path(fixed: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return fixed.map((part, index) => part + encodeURIComponent(String(values[index] ?? ''))).join('')
}

/** Speaks with the REST API of one server. Every failure is a `Failure` with its exit code. */
export class Client {
  readonly config: Config
  readonly #clock: Clock
  readonly #randomness: Randomness

  constructor({ config, clock, randomness }: ClientParts) {
    this.config = config
    this.#clock = clock
    this.#randomness = randomness
  }

  get<Body>(below: string, query: Query = {}, options: RequestOptions = {}): Promise<Body> {
    return this.call<Body>('GET', below, { ...options, query })
  }

  post<Body>(below: string, json: unknown = {}, options: RequestOptions = {}): Promise<Body> {
    return this.call<Body>('POST', below, { ...options, json })
  }

  async delete(below: string): Promise<void> {
    const response = await this.send('DELETE', below)
    await response.arrayBuffer()
  }

  /** The JSON of an answer, whose shape the contract states. */
  call<Body>(method: Method, below: string, options: RequestOptions = {}): Promise<Body> {
    return this.#persist(method, below, options, async (response) => {
      const text = await response.text()
      try {
        return JSON.parse(text) as Body
      } catch {
        throw this.#notBiwa(response)
      }
    })
  }

  /** All items of a list that comes in pages. */
  async *items<Item>(below: string, query: Query = {}): AsyncGenerator<Item> {
    let cursor: string | null = null
    do {
      const page: { items: Item[]; next_cursor: string | null } = await this.get(below, {
        ...query,
        ...(cursor !== null && { cursor }),
      })
      yield* page.items
      cursor = page.next_cursor
    } while (cursor !== null)
  }

  async list<Item>(below: string, query: Query = {}): Promise<Item[]> {
    const items: Item[] = []
    for await (const item of this.items<Item>(below, query)) items.push(item)
    return items
  }

  /** A good answer, whose body is for the caller to read. */
  send(method: Method, below: string, options: RequestOptions = {}): Promise<Response> {
    return this.#persist(method, below, options, (response) => Promise.resolve(response))
  }

  /** Sends until there is a good answer that could be read, or none can be hoped for. */
  async #persist<T>(method: Method, below: string, options: RequestOptions, read: Reader<T>): Promise<T> {
    const policy = options.retry ?? patience
    const start = this.#clock.monotonicMs()
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(method, below, options, read)
      if ('value' in outcome) return outcome.value
      const delayMs = Math.max(outcome.retryAfterMs, this.#backoffMs(attempt))
      const elapsedMs = this.#clock.monotonicMs() - start
      const worthIt = outcome.passing && (outcome.answered || policy.unreachable) && elapsedMs + delayMs <= policy.forMs
      if (!worthIt || options.signal?.aborted) throw outcome.failure
      policy.onRetry?.(outcome.failure, delayMs)
      await this.#clock.sleep(delayMs, options.signal)
    }
  }

  async #attempt<T>(
    method: Method,
    below: string,
    options: RequestOptions,
    read: Reader<T>,
  ): Promise<{ readonly value: T } | FailedAttempt> {
    const { json, body, signal } = options
    const content = body ?? (json === undefined ? undefined : JSON.stringify(json))
    try {
      const response = await fetch(this.#address(below, options.query), {
        method,
        headers: this.#headers(options, json !== undefined),
        redirect: 'error',
        ...(content !== undefined && { body: content }),
        ...(signal !== undefined && { signal }),
      })
      if (response.ok) return { value: await read(response) }
      const failure = await this.#failureOf(response, `${method} ${below}`)
      const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000 || 0
      return { failure, answered: true, passing: passingStatuses.has(response.status), retryAfterMs }
    } catch (error) {
      if (error instanceof Failure) throw error
      if (signal?.aborted) throw new Failure(exitCodes.interrupted, 'Interrupted.')
      return { failure: this.#unreachable(error), answered: false, passing: true, retryAfterMs: 0 }
    }
  }

  #address(below: string, query: Query = {}): string {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
    const search = parameters.size === 0 ? '' : `?${parameters.toString()}`
    return `${this.config.url.value}/api/v1${below}${search}`
  }

  #headers(options: RequestOptions, json: boolean): Record<string, string> {
    const { apiKey } = this.config
    return {
      accept: 'application/json',
      'user-agent': 'biwa-cli',
      ...(json && { 'content-type': 'application/json' }),
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey.value}` }),
      ...options.headers,
    }
  }

  /** 250 ms, doubling, at most 10 s; up to a half less by chance, so that many clients do not come back at once. */
  #backoffMs(attempt: number): number {
    return Math.min(10_000, 250 * 2 ** Math.min(attempt, 10)) * (1 - this.#randomness.fraction() / 2)
  }

  async #failureOf(response: Response, where: string): Promise<Failure> {
    const problem = await problemIn(response)
    if (problem === undefined) return this.#notBiwa(response)
    const hint = problem.code === 'unauthenticated' ? this.#keyHint(problem.hint) : problem.hint
    return new Failure(exitCodeOf(problem), problem.detail, { where, hint, requestId: problem.request_id })
  }

  #keyHint(hint: string | undefined): string {
    const { apiKey, passedOver } = this.config
    if (apiKey !== undefined) return `The key came from ${apiKey.origin}. Use another, or “biwa login”.`
    const reasons = passedOver.map((reason) => ` (${reason})`).join('')
    return `Set BIWA_API_KEY, or run “biwa login”; none was found for ${this.config.url.value}${reasons}. ${hint ?? ''}`.trim()
  }

  #unreachable(error: unknown): Failure {
    const { url } = this.config
    return new Failure(exitCodes.unreachable, `The server at ${url.value} cannot be reached: ${reasonOf(error)}.`, {
      where: `the address comes from: ${url.origin}`,
      hint: 'Start it with “biwa serve”, or name another with --url or BIWA_URL.',
      cause: error,
    })
  }

  #notBiwa(response: Response): Failure {
    const { url } = this.config
    const message = `What answers at ${url.value} does not speak as Biwa does (status ${response.status}, ${response.headers.get('content-type') ?? 'no type'}).`
    return new Failure(
      response.status >= 502 && response.status <= 504 ? exitCodes.unreachable : exitCodes.internal,
      message,
      {
        where: `the address comes from: ${url.origin}`,
        hint: 'Check the address, and proxies in between.',
      },
    )
  }
}

type Reader<T> = (response: Response) => Promise<T>

interface FailedAttempt {
  readonly failure: Failure
  /** The server answered in full; where not, it may have done the request all the same. */
  readonly answered: boolean
  readonly passing: boolean
  readonly retryAfterMs: number
}

async function problemIn(response: Response): Promise<Problem | undefined> {
  try {
    const body: unknown = JSON.parse(await response.text())
    const isProblem = typeof body === 'object' && body !== null && 'code' in body && 'detail' in body
    return isProblem ? (body as Problem) : undefined
  } catch {
    return undefined
  }
}

/** The reason that the system gives, in words where it is a common one. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  if (code !== undefined && code in reasons) return reasons[code] ?? code
  return cause instanceof Error ? cause.message || (code ?? 'no answer') : String(cause)
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name cannot be resolved',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
}
