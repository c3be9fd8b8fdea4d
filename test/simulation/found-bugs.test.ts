import { expect, it } from 'vitest'

import { inMacrotask } from './drain-microtasks.ts'
import { calmRates } from './world/plan.ts'
import type { Plan } from './world/plan.ts'
import { runWorld } from './world/world.ts'

/**
 * Worlds that are broken where a mending is taken away, without the faults that are not needed to break them. docs/simulation.md tells of the
 * bugs, and of those for which there is no such plan any more: how long things take has changed since.
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
    seed: 635,
    isBucket: false,
    workers: 2,
    bodies: [{ atMs: 152, account: 1, hasId: true, records: 2, padding: 78, isRepeated: false }],
    calamities: [
      { atMs: 919, what: 'power cut' },
      { atMs: 1249, what: 'disk fails', forMs: 164 },
    ],
    cutAtDiskCalls: [],
    killAtStatements: [],
    hasScheduler: true,
    hasTwinMerges: false,
    rates: { ...calmRates, databaseSlow: 0.08493902303744108 },
    calmFromMs: 1692,
  },
}

it.each(Object.keys(plans))('%s', async (name) => {
  const { violations } = await inMacrotask(() => runWorld(plans[name] as Plan))
  expect(violations).toEqual([])
})
