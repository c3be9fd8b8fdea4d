import { expect, it } from 'vitest'

import { inMacrotask } from './drain-microtasks.ts'
import { calmRates } from './world/plan.ts'
import type { Plan } from './world/plan.ts'
import { runWorld } from './world/world.ts'

/**
 * Worlds that are broken without what was mended, and have no fault that is not needed for that. docs/simulation.md tells of the bugs,
 * and what has to be taken away to see each of them again: whoever changes how long things take in a world has to look for others.
 */
const plans: Readonly<Record<string, Plan>> = {
  'a look for jobs that took minutes is followed by the next one soon': {
    seed: 201,
    isBucket: true,
    workers: 1,
    bodies: [{ atMs: 44, account: 2, hasId: true, records: 3, padding: 191, isRepeated: false }],
    calamities: [{ atMs: 975, what: 'sleep', forMs: 660_000 }],
    cutAtDiskCalls: [],
    killAtStatements: [],
    hasScheduler: true,
    hasTwinMerges: false,
    rates: { ...calmRates, databaseSlow: 0.05466678100638092, noticesLost: 0.42897541518323123 },
    calmFromMs: 1171,
  },
  'a file whose name could not be made durable is not taken for stored': {
    seed: 159,
    isBucket: false,
    workers: 1,
    bodies: [{ atMs: 96, account: 1, hasId: true, records: 2, padding: 78, isRepeated: false }],
    calamities: [
      { atMs: 544, what: 'power cut' },
      { atMs: 863, what: 'disk fails', forMs: 149 },
    ],
    cutAtDiskCalls: [],
    killAtStatements: [],
    hasScheduler: true,
    hasTwinMerges: false,
    rates: { ...calmRates, databaseSlow: 0.08493902303744108 },
    calmFromMs: 974,
  },
  'a commit that slept in the middle of its transaction keeps its files': {
    seed: 30,
    isBucket: true,
    workers: 1,
    bodies: [{ atMs: 38, account: 1, hasId: true, records: 3, padding: 181, isRepeated: false }],
    calamities: [{ atMs: 1502, what: 'sleep', forMs: 90_000_000 }],
    cutAtDiskCalls: [],
    killAtStatements: [],
    hasScheduler: true,
    hasTwinMerges: false,
    rates: { ...calmRates, databaseSlow: 0.20488497115715198 },
    calmFromMs: 4000,
  },
  'an import whose disk failed for a moment is tried again': {
    seed: 88,
    isBucket: false,
    workers: 1,
    bodies: [{ atMs: 190, account: 1, hasId: false, records: 3, padding: 178, isRepeated: false }],
    calamities: [
      { atMs: 711, what: 'kill', role: 'worker 1' },
      { atMs: 1663, what: 'disk fails', forMs: 541 },
    ],
    cutAtDiskCalls: [14],
    killAtStatements: [],
    hasScheduler: true,
    hasTwinMerges: false,
    rates: { ...calmRates, databaseUnheard: 0.07209363087604544 },
    calmFromMs: 2269,
  },
}

it.each(Object.keys(plans))('%s', async (name) => {
  const { violations } = await inMacrotask(() => runWorld(plans[name] as Plan))
  expect(violations).toEqual([])
})
