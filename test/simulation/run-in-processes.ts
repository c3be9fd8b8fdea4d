import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { addCounts, noTotals, runSeeds } from './run-seeds.ts'
import type { Totals } from './run-seeds.ts'
import type { Report } from './world/world.ts'

export interface SeedsOfProcesses {
  readonly from: number
  readonly count: number
  readonly secondsMax?: number
  readonly processes: number
  readonly countsSituations: boolean
  readonly onlyLarge: boolean
  /** Once it is aborted, what was begun is done, and nothing more. */
  readonly stopping: AbortSignal
  /** Called whenever some more worlds were lived through; `nextSeed` is the first that was not. */
  readonly onProgress: (totals: Totals, nextSeed: number) => void
  /** Called with each world in which something was violated; true ends the run. */
  readonly onViolation: (report: Report) => boolean
}

/** Seeds that a process lives through at one go. */
interface Block {
  readonly from: number
  readonly count: number
  readonly countsSituations: boolean
  readonly onlyLarge: boolean
}

interface Lived {
  readonly totals: Totals
  readonly broken: readonly Report[]
}

/** Some seconds of work, so that processes end at about the same time. */
const blockSize = 500

/**
 * Worlds die young, and all at once: where new objects have more room, next to none of them is alive when it is full. Several
 * threads that collect the rest would only take the processors from each other.
 */
const flags = ['--max-semi-space-size=64', '--single-threaded-gc']

const entry = new URL(import.meta.url)

/** As `runSeeds`, on several processors. */
export async function runSeedsInProcesses(options: SeedsOfProcesses): Promise<Totals> {
  const { from, count, secondsMax = Infinity, processes, countsSituations, onlyLarge, stopping, onViolation } = options
  const startedMs = performance.now()
  const sum = noTotals()
  const secondsNow = (): number => (performance.now() - startedMs) / 1000
  let next = from
  let isOver = false
  const underWay = new Set<Block>()
  const work = async (): Promise<void> => {
    const child = fork(entry, { execArgv: flags })
    const gone = once(child, 'exit').then(([code]) => {
      throw new Error(`a process of the simulation ended with ${String(code)}`)
    })
    // At the end it is killed, and nobody asks.
    gone.catch(() => {})
    try {
      while (!isOver && !stopping.aborted && next < from + count && secondsNow() < secondsMax) {
        const block = { from: next, count: Math.min(blockSize, from + count - next), countsSituations, onlyLarge }
        next += block.count
        underWay.add(block)
        const { totals, broken } = await Promise.race([livedBy(child, block), gone])
        underWay.delete(block)
        addCounts(sum, totals)
        sum.cpuSeconds += totals.cpuSeconds
        sum.seconds = secondsNow()
        options.onProgress(sum, Math.min(next, ...[...underWay].map((begun) => begun.from)))
        for (const report of broken) isOver ||= onViolation(report)
      }
    } finally {
      child.kill()
    }
  }
  await Promise.all(Array.from({ length: processes }, work))
  sum.seconds = secondsNow()
  return sum
}

async function livedBy(child: ChildProcess, block: Block): Promise<Lived> {
  child.send(block)
  const [lived] = (await once(child, 'message')) as [Lived]
  return lived
}

async function live(block: Block): Promise<Lived> {
  const broken: Report[] = []
  const totals = await runSeeds({ ...block, onViolation: (report) => broken.push(report) < 0 })
  return { totals, broken }
}

// Forked by the function above, this file lives through what it is sent.
if (process.send !== undefined && process.argv[1] === fileURLToPath(entry)) {
  process.on('disconnect', () => process.exit())
  // An interrupt from the terminal goes to all processes: the one that forked them says when they end.
  process.on('SIGINT', () => {})
  process.on('message', (block: Block) => {
    void live(block).then((lived) => process.connected && process.send?.(lived))
  })
}
