import type { Readable } from 'node:stream'

import type { Clock } from '../clock.ts'
import { AppError } from '../errors.ts'

export interface BodyLimits {
  readonly bytesMax: number
  /** The longest that the sender may stay silent in the middle of a body. */
  readonly silenceMsMax: number
}

/** How many bytes of bodies this process holds in memory, on the way in and until they are on disk. */
export class BodyBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Whether `bytes` more fit now. They count until `release`. */
  reserve(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    return true
  }

  release(bytes: number): void {
    this.#bytes -= bytes
  }
}

/**
 * The whole body of a request. Its bytes count against the budget from the first to the call of `release`, whether the
 * length was announced or not. Fails with `body_too_large`, `overloaded` or `request_timeout`; the rest of the body is
 * then read and dropped, so that a sender in the middle of it gets to read the answer.
 */
export function readBody(
  source: Readable,
  announcedBytes: number | undefined,
  limits: BodyLimits,
  budget: BodyBudget,
  clock: Clock,
): Promise<ReadBody> {
  const whole = wholeBody(source, announcedBytes, limits, budget)
  if (whole !== undefined) return Promise.resolve(whole)
  // Whoever went before somebody asked for the body tells nobody any more.
  if (source.destroyed) return Promise.reject(interrupted(0))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let received = 0
    let heardOf = 0
    const onData = (chunk: Buffer): void => {
      if (received + chunk.byteLength > limits.bytesMax) return fail(tooLarge(limits.bytesMax))
      if (!budget.reserve(chunk.byteLength)) return fail(overloaded())
      received += chunk.byteLength
      chunks.push(chunk)
    }
    const onEnd = (): void => {
      detach()
      const [first] = chunks
      const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, received)
      resolve({ bytes, release: () => budget.release(received) })
    }
    const fail = (error: AppError): void => {
      detach()
      budget.release(received)
      source.on('error', () => {})
      source.resume()
      reject(error)
    }
    const onClose = (): void => fail(interrupted(received))
    const onSilence = (): void => {
      if (received === heardOf) return fail(silent(limits.silenceMsMax, received))
      heardOf = received
      cancelTimer = clock.schedule(limits.silenceMsMax, onSilence)
    }
    const detach = (): void => {
      cancelTimer()
      source.off('data', onData).off('end', onEnd).off('error', onClose).off('close', onClose)
    }
    let cancelTimer = clock.schedule(limits.silenceMsMax, onSilence)
    if (announcedBytes !== undefined && announcedBytes > limits.bytesMax) return fail(tooLarge(limits.bytesMax))
    source.on('data', onData).on('end', onEnd).on('error', onClose).on('close', onClose)
  })
}

/** The bytes count against the budget until `release`. */
export interface ReadBody {
  readonly bytes: Buffer
  readonly release: () => void
}

/**
 * The body where all of it lies there already: small ones come in one packet with the head of their request. Nobody is waited for
 * then, so it takes neither timer nor listeners, which cost more than all else that is done to an event. Undefined where it does
 * not, or may not be taken now. Node refuses requests that announce a length and are sent in chunks, so the length is that of the
 * whole.
 */
export function wholeBody(
  source: Readable,
  announcedBytes: number | undefined,
  limits: BodyLimits,
  budget: BodyBudget,
): ReadBody | undefined {
  const { readableLength: length } = source
  if (length !== announcedBytes || length > limits.bytesMax) return undefined
  if (!budget.reserve(length)) return undefined
  const bytes = (source.read() as Buffer | null) ?? Buffer.alloc(0)
  // Nothing but the end is to come, which nobody would hear of in a stream that is paused.
  source.resume()
  return { bytes, release: () => budget.release(length) }
}

function tooLarge(bytesMax: number): AppError {
  return new AppError('body_too_large', `The body is larger than the limit of ${bytesMax} bytes.`, {
    hint: 'Send it in parts, each with an id of its own. Compressed bodies count as they are sent.',
  })
}

/** What is over the budget is refused for a short while. */
export function overloaded(): AppError {
  return new AppError('overloaded', 'The server holds as many bodies in memory as it may.', {
    hint: 'Nothing of this body was kept. Send it again after a short while.',
    retryAfterSeconds: 1,
  })
}

/** `what` was being sent: a body, or a part. */
export function silent(silenceMsMax: number, received: number, what = 'body'): AppError {
  return new AppError(
    'request_timeout',
    `Nothing of the ${what} arrived for ${silenceMsMax / 1000} s, after ${received} bytes.`,
    { hint: `Nothing of this ${what} was kept. Send it again.` },
  )
}

export function interrupted(received: number, what = 'body'): AppError {
  return new AppError(
    'request_timeout',
    `The connection ended in the middle of the ${what}, after ${received} bytes.`,
    {
      hint: `Nothing of this ${what} was kept. Send it again.`,
    },
  )
}
