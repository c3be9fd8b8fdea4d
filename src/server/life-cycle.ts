import { isatty } from 'node:tty'

import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Service } from '../base/service.ts'

/** The wishes of whoever runs the server, as the terminal and service managers express them. */
export interface StopSignals {
  /** Aborted by the first SIGINT or SIGTERM, whose name is the reason: finish the work in hand and stop. */
  readonly asked: AbortSignal
  /** Aborted by the second one, and some seconds after a SIGINT: give the work in hand back and stop. */
  readonly insisted: AbortSignal
  /** Resolves with true when there was a SIGHUP since it was last asked, and with false when a stop is asked for. */
  renewal(): Promise<boolean>
}

/** Who presses Ctrl-C waits for no more than this. */
const patienceMs = 5000

/**
 * SIGHUP asks for new processes on the code that is now on disk, but is also what a terminal sends when it is closed: that
 * is an end like Ctrl-C.
 */
export function listenForStopSignals(): StopSignals {
  const asked = new AbortController()
  const insisted = new AbortController()
  let wantsRenewal = false
  let wake = (): void => {}
  const stop = (name: NodeJS.Signals): void => {
    if (asked.signal.aborted) return insisted.abort()
    asked.abort(name)
    wake()
    if (name !== 'SIGTERM') setTimeout(() => insisted.abort(), patienceMs).unref()
  }
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', (name) => {
    if (terminals.length > 0 && !terminals.some((descriptor) => isatty(descriptor))) return stop(name)
    wantsRenewal = true
    wake()
  })
  return {
    asked: asked.signal,
    insisted: insisted.signal,
    async renewal() {
      if (!wantsRenewal && !asked.signal.aborted) await new Promise<void>((resolve) => (wake = resolve))
      wantsRenewal = false
      return !asked.signal.aborted
    },
  }
}

/**
 * Starts the services one after the other. When one fails, or a stop is asked for meanwhile (`shutting_down`), those
 * that were begun are stopped in reverse order before the failure goes on.
 */
export async function startServices(services: readonly Service[], asked?: AbortSignal): Promise<void> {
  const begun: Service[] = []
  try {
    for (const service of services) {
      if (asked?.aborted) throw stoppedEarly()
      begun.unshift(service)
      await unlessAborted(service.start(), asked)
    }
  } catch (error) {
    for (const service of begun) await service.stop().catch(() => {})
    throw error
  }
}

/** Services that start all at once, because none needs another. */
export function together(services: readonly Service[]): Service {
  return {
    name: services.map(({ name }) => name).join(' and '),
    start: async () => void (await Promise.all(services.map((service) => service.start()))),
    stop: async () => void (await Promise.all(services.map((service) => service.stop()))),
  }
}

/** Services that start one after the other, so that each has the processors for itself; but none waits longer than `msMax` for the one before it. */
export function inTurn(services: readonly Service[], msMax: number, clock: Pick<Clock, 'sleep'>): Service {
  return {
    ...together(services),
    async start() {
      const begun: Promise<void>[] = []
      for (const service of services) {
        const enough = new AbortController()
        begun.push(service.start())
        const late = clock.sleep(msMax, enough.signal)
        // One of them that fails ends the wait for all.
        await Promise.race([Promise.all(begun), late]).finally(() => enough.abort())
      }
      await Promise.all(begun)
    },
  }
}

/** Drains the services in reverse order, and leaves the rest undrained when the caller gets into a hurry. */
export async function drainServices(services: readonly Service[], log: Logger, hurry?: AbortSignal): Promise<void> {
  for (const service of services.toReversed()) {
    if (hurry?.aborted) return
    await unlessAborted(attempt(log, service, 'drain', service.drain?.()), hurry).catch(() => {})
  }
}

/** Stops the services in reverse order. */
export async function stopServices(services: readonly Service[], log: Logger): Promise<void> {
  for (const service of services.toReversed()) await attempt(log, service, 'stop', service.stop())
}

/** One service that fails to end must not keep the others from ending. */
async function attempt(log: Logger, service: Service, step: string, ending: Promise<void> | undefined): Promise<void> {
  try {
    await ending
  } catch (error) {
    log.error({ err: error, service: service.name }, `${step} failed`)
  }
}

/** Waits for the work, unless a stop is asked for before (`shutting_down`). */
export async function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await work
  // The loser of the race may still fail, which nobody waits for any more.
  work.catch(() => {})
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(stoppedEarly())
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
  await Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

function stoppedEarly(): AppError {
  return new AppError('shutting_down', 'Biwa was asked to stop while it started.')
}
