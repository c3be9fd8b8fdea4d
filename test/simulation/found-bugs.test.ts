import { expect, it } from 'vitest'

import { inMacrotask } from './drain-microtasks.ts'
import { calmRates } from './world/plan.ts'
import type { Plan } from './world/plan.ts'
import { runWorld } from './world/world.ts'

/** Worlds that were broken once, without the faults that were not needed to break them. docs/simulation.md tells of the bugs. */
const plans: Readonly<Record<string, Plan>> = {
  'a look for jobs that took minutes is followed by the next one soon': {
    seed: 4028,
    isBucket: true,
    workers: 1,
    bodies: [{ atMs: 82.71139854409532, account: 2, hasId: true, records: 3, padding: 191, isRepeated: false }],
    calamities: [{ atMs: 1307.8845389187336, what: 'sleep', forMs: 660_000 }],
    cutAtDiskCalls: [],
    hasTwinMerges: false,
    rates: {
      ...calmRates,
      databaseRefused: 0.08049643069971353,
      databaseSlow: 0.05466678100638092,
      noticesLost: 0.42897541518323123,
    },
    calmFromMs: 2707.8845389187336,
  },
  'a file whose name could not be made durable is not taken for stored': {
    seed: 4411,
    isBucket: false,
    workers: 2,
    bodies: [
      { atMs: 133.7273289970934, account: 1, hasId: true, records: 3, padding: 462, isRepeated: false },
      { atMs: 143.7804535082916, account: 1, hasId: true, records: 2, padding: 78, isRepeated: false },
      { atMs: 171.42821487967268, account: 1, hasId: true, records: 2, padding: 259, isRepeated: true },
    ],
    calamities: [
      { atMs: 763.6045145996303, what: 'power cut' },
      { atMs: 1073.2134774272306, what: 'disk fails', forMs: 363.51883579976857 },
    ],
    cutAtDiskCalls: [],
    hasTwinMerges: false,
    rates: { ...calmRates, databaseSlow: 0.08493902303744108 },
    calmFromMs: 2354.009067825973,
  },
}

it.each(Object.keys(plans))('%s', async (name) => {
  const { violations } = await inMacrotask(() => runWorld(plans[name] as Plan))
  expect(violations).toEqual([])
})
