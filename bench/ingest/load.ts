import { fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

import type { quantiles } from '../quantiles.ts'
import type { Shape, WireFormat } from './shapes.ts'

/** The way in: bodies over HTTP, chunks of Fluentd, single events, or single events to a server that does nothing. */
export type Door = 'import' | 'forward' | 'events' | 'bare'

export interface LoadOrder {
  readonly door: Door
  readonly port: number
  readonly apiKey: string
  readonly table: string
  /** Makes the ids of one run differ from those of another. */
  readonly run: string
  readonly shape: Shape
  readonly format: WireFormat
  readonly recordsEach: number
  /** Records; null for as many as are answered. */
  readonly perSecond: number | null
  readonly seconds: number
  /** Whether what is refused is sent again when the answer says. */
  readonly comesAgain: boolean
  /** Connections, each with one request at a time. */
  readonly lines: number
  /** The time of the first record. */
  readonly startSeconds: number
}

export interface LoadReport {
  /** Records. */
  readonly acknowledged: number
  readonly refused: number
  readonly ackMs: ReturnType<typeof quantiles>
  /** From sending to the refusal. */
  readonly refusalMs: ReturnType<typeof quantiles>
  /** Of a record, inflated and as it was sent. */
  readonly bytesEach: number
  readonly sentBytesEach: number
}

export interface Loader {
  readonly pid: number
  /** `onProgress` hears how many records were acknowledged so far. */
  run(order: LoadOrder, onProgress?: (acknowledged: number) => void): Promise<LoadReport>
  stop(): void
}

export async function startLoader(): Promise<Loader> {
  const child = fork(resolve(import.meta.dirname, 'loader.ts'), { execArgv: ['--import', 'tsx'] })
  await once(child, 'message')
  return {
    pid: child.pid ?? 0,
    run(order, onProgress = () => {}) {
      return new Promise((resolve, reject) => {
        const onExit = (): void => reject(new Error('the loader ended'))
        const onMessage = (message: LoadReport | { readonly acknowledged: number }): void => {
          if (!('ackMs' in message)) return onProgress(message.acknowledged)
          child.off('message', onMessage).off('exit', onExit)
          resolve(message)
        }
        child.on('message', onMessage).once('exit', onExit)
        child.send(order)
      })
    },
    stop: () => child.disconnect(),
  }
}
