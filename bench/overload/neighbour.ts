import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import type { AccountKey } from '../accounts.ts'
import { startLoader } from '../ingest/load.ts'
import type { Quantiles } from '../outcome.ts'
import { Sender } from './sender.ts'
import type { Manner, Place } from './sender.ts'

/** Events a second, with a connection for each that may be under way. */
const pace = { perSecond: 50, lines: 8, comesAgain: false }

const events: Manner = { door: 'events', table: 'events', recordsEach: 1 }

/** How long events took until they were acknowledged: by Biwa, and by a bare server at the same time. */
export interface Waits {
  readonly Biwa: Quantiles
  readonly 'bare node:http': Quantiles
}

/** What stands for another tenant: one that sends to Biwa, and one that sends the same to a server that only writes and answers. */
export interface Neighbour {
  /** Which Biwa, and whose key. Begins the bare server as well, by then of the rank of all servers. */
  meet(place: Place, account: AccountKey): Promise<(seconds: number) => Promise<Waits>>
  stop(): void
}

/** Its processes are started before whatever competes with them is told to stand back: they measure, and have no part in the load. */
export async function startNeighbour(): Promise<Neighbour> {
  const loaders = await Promise.all([startLoader(), startLoader()])
  let endBare = (): void => {}
  return {
    async meet(place, account) {
      const sender = new Sender(place, account, loaders[0], events)
      const bare = await startBare()
      endBare = () => bare.stop()
      const nobody = { name: 'nobody', apiKey: 'none' }
      const bareSender = new Sender({ url: '', port: bare.port }, nobody, loaders[1], { ...events, door: 'bare' })
      return async (seconds) => {
        const order = { ...pace, seconds }
        const [ours, theirs] = await Promise.all([sender.send(order), bareSender.send(order)])
        if (ours.refused > 0) throw new Error(`${ours.refused} of the neighbour's events were refused`)
        return { Biwa: ours.ackMs, 'bare node:http': theirs.ackMs }
      }
    },
    stop() {
      for (const loader of loaders) loader.stop()
      endBare()
    },
  }
}

async function startBare(): Promise<{ port: number; stop(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'biwa-bench-'))
  const server = fork(resolve(import.meta.dirname, 'durable-server.ts'), [directory], { execArgv: ['--import', 'tsx'] })
  const [port] = (await once(server, 'message')) as [number]
  return {
    port,
    stop() {
      server.disconnect()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
