import { describe, expect, it } from 'vitest'

import { plantedBugs } from './planted-bugs.ts'
import { runSeeds } from './run-seeds.ts'
import { planOf } from './world/plan.ts'
import { runWorld } from './world/world.ts'
import { inMacrotask } from './drain-microtasks.ts'
import type { Report } from './world/world.ts'

/** For so long worlds are lived through; `BIWA_SIMULATE_SECONDS=120` makes it two minutes. */
const seconds = Number(process.env['BIWA_SIMULATE_SECONDS'] ?? 12)

describe('the simulated commit path', () => {
  it(
    'keeps its promises in as many worlds as there is time for',
    async () => {
      const broken: Report[] = []
      const totals = await runSeeds({
        from: 0,
        count: Infinity,
        secondsMax: seconds,
        onViolation: (report) => broken.push(report) > 2,
      })
      expect(broken.map(({ plan, violations }) => [plan.seed, violations])).toEqual([])
      expect(totals.worlds).toBeGreaterThan(0)
      expect(totals.commits).toBeGreaterThan(totals.worlds)
    },
    (seconds + 60) * 1000,
  )

  it('lives through the same world again for the same seed', async () => {
    const told = async (): Promise<string[]> => {
      const lines: string[] = []
      await inMacrotask(() => runWorld(planOf(16), { trace: (line) => lines.push(line) }))
      return lines
    }
    const first = await told()
    expect(first.length).toBeGreaterThan(100)
    expect(await told()).toEqual(first)
  })

  /** Those that the first few hundred worlds show; docs/simulation.md tells of the others. */
  const soonFound = [
    'missing_fsync',
    'missing_directory_sync',
    'no_deduplication',
    'early_release',
    'lease_without_fence',
    'sweep_without_grace',
    'half_commit',
    'lost_object',
    'submission_without_key',
    'unknown_is_done',
  ] as const

  it.each(soonFound)(
    'finds the planted bug %s',
    async (name) => {
      const broken: Report[] = []
      await runSeeds({
        from: 0,
        count: 400,
        sabotage: plantedBugs[name],
        onViolation: (report) => broken.push(report) > 0,
      })
      expect(broken.flatMap(({ violations }) => violations)).not.toEqual([])
    },
    60_000,
  )
})
