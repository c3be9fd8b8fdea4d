import { openFaultyS3Proxy } from '../../src/base/objects/testing/faulty-s3-proxy.ts'
import { openS3Server } from '../../src/base/objects/testing/s3-server.ts'
import { seededRandomness } from '../../src/jobs/testing/seeded-randomness.ts'
import type { FromStore, ToStore } from './store.ts'

// The entry of the process of `openFaultyStore`: it ends with whoever started it, and not by itself when both are interrupted.

const toldEveryMs = 100

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Until it can close what it opened.
const leave = (): void => process.exit()
process.once('disconnect', leave)

const server = await openS3Server()
const line = await openFaultyS3Proxy(server.endpoint, seededRandomness(Number(process.argv[2])))
process.on('message', ({ faults }: ToStore) => line.setFaults(faults))
process.off('disconnect', leave)
process.once('disconnect', () => void end())
tell({ endpoint: line.endpoint, credentials: server.credentials })
const telling = setInterval(() => tell({ failed: sumOf(line.counts) }), toldEveryMs)

function tell(message: FromStore): void {
  if (process.connected) process.send?.(message)
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

async function end(): Promise<void> {
  clearInterval(telling)
  await line.close()
  await server.close()
  process.exit()
}
