import { systemClock } from '../../clock.ts'
import { openLog } from '../../log.ts'
import { openEnginePool } from '../open-engine-pool.ts'

// A process that owns a pool with one idle engine and one whose event loop is blocked, and waits to be killed.
const entry = new URL('fixture-engine.ts', import.meta.url)
const pool = openEnginePool({ name: 'owned', entry, size: 2, clock: systemClock, log: openLog('silent') })
await pool.start()
const limits = { timeoutMs: 600_000, residentBytesMax: 2 ** 32 }
const blocked = new Promise<number>((resolve) => {
  const onProgress = (value: unknown): void => resolve(value as number)
  pool.run({ kind: 'block', input: null }, { ...limits, onProgress }).catch(() => {})
})
const busyPid = await blocked
const idle = await pool.run<{ pid: number }>({ kind: 'echo', input: 1 }, limits)
process.send?.([busyPid, idle.pid])
