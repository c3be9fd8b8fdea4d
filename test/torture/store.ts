import { fork } from 'node:child_process'
import { once } from 'node:events'

import { forkArguments } from '../../src/base/fork-arguments.ts'
import type { ProxyFaults } from '../../src/base/objects/testing/faulty-s3-proxy.ts'

/** What the store's process is told: from now on these faults. */
export interface ToStore {
  readonly faults: Partial<ProxyFaults>
}

/** What it says: once what the server needs to find it, and then how many calls have failed so far. */
export type FromStore =
  | { readonly endpoint: string; readonly credentials: { accessKeyId: string; secretAccessKey: string } }
  | { readonly failed: number }

/** An S3 server behind a line that can fail. */
export interface FaultyStore {
  /** For the server. */
  readonly environment: Readonly<Record<string, string>>
  /** How many calls have failed so far. */
  readonly failed: number
  setFaults(faults: Partial<ProxyFaults>): void
  close(): Promise<void>
}

/**
 * The store has a process of its own, as in life: where it shared that of the load, what the load took of its time counted as the
 * recovery of the server.
 */
export async function openFaultyStore(seed: number): Promise<FaultyStore> {
  const entry = new URL('store-process.ts', import.meta.url)
  const store = fork(entry, [String(seed)], { execArgv: forkArguments(entry) })
  const first = await Promise.race([once(store, 'message'), once(store, 'exit')])
  const found = first[0] as FromStore | number | null
  if (found === null || typeof found === 'number' || !('endpoint' in found)) {
    throw new Error('the store ended before it said where it is')
  }
  let [failed, isClosing] = [0, false]
  store.once('exit', (code, signal) => {
    if (!isClosing) throw new Error(`the store of torture ended by itself: ${code ?? signal}`)
  })
  store.on('message', (message: FromStore) => {
    if ('failed' in message) ({ failed } = message)
  })
  return {
    environment: {
      BIWA_OBJECT_STORE: 's3://biwa/torture',
      BIWA_OBJECT_STORE_ENDPOINT: found.endpoint,
      BIWA_OBJECT_STORE_PATH_STYLE: 'true',
      AWS_ACCESS_KEY_ID: found.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: found.credentials.secretAccessKey,
      AWS_REGION: 'us-east-1',
    },
    get failed() {
      return failed
    },
    setFaults(faults) {
      // The strands go on for a moment after a run was interrupted.
      if (store.connected) store.send({ faults } satisfies ToStore, () => {})
    },
    async close() {
      isClosing = true
      if (!store.connected) return
      const ended = once(store, 'exit')
      store.disconnect()
      await ended
    },
  }
}
