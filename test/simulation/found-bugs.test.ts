import { expect, it } from 'vitest'

import { inMacrotask } from './drain-microtasks.ts'
import { calmRates } from './world/plan.ts'
import type { Plan } from './world/plan.ts'
import { runWorld } from './world/world.ts'

/**
 * Worlds that were broken once, without the faults that were not needed to break them. docs/simulation.md tells of the bugs, what has to be
 * taken away to see them again, and which of these plans still show theirs: how long things take has changed since.
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
  'a commit that slept in the middle of its transaction keeps its files': {
    seed: 1009134,
    isBucket: true,
    workers: 2,
    bodies: [
      { atMs: 251.58299566782523, account: 1, hasId: true, records: 3, padding: 181, isRepeated: false },
      { atMs: 124.01345987598565, account: 2, hasId: true, records: 1, padding: 458, isRepeated: true },
      { atMs: 822.4364828837098, account: 1, hasId: true, records: 2, padding: 125, isRepeated: true },
    ],
    calamities: [
      { atMs: 231.30430906011972, what: 'kill', role: 'api' },
      { atMs: 713.0785372572336, what: 'kill', role: 'scheduler' },
      { atMs: 1349.37594392512, what: 'sleep', forMs: 90000000 },
    ],
    cutAtDiskCalls: [],
    killAtStatements: [],
    hasScheduler: true,
    hasTwinMerges: false,
    rates: {
      ...calmRates,
      databaseRefused: 0.0834902839967981,
      databaseSlow: 0.01710202842950821,
      objectsSilent: 0.009555562888272107,
      enginesSlow: 0.045075422152876854,
    },
    calmFromMs: 3917.4507692456245,
  },
  'an import whose disk failed for a moment is tried again': {
    seed: 1012012,
    isBucket: false,
    workers: 2,
    bodies: [{ atMs: 192.77438316860668, account: 1, hasId: false, records: 3, padding: 178, isRepeated: false }],
    calamities: [
      { atMs: 258.5216269027294, what: 'kill', role: 'worker 1' },
      { atMs: 2354.6508633434987, what: 'disk fails', forMs: 538.6060452461243 },
    ],
    cutAtDiskCalls: [27],
    killAtStatements: [],
    hasScheduler: true,
    hasTwinMerges: false,
    rates: { ...calmRates, databaseRefused: 0.009903419227339328, databaseUnheard: 0.0318603279767558 },
    calmFromMs: 4456.236437894404,
  },
}

it.each(Object.keys(plans))('%s', async (name) => {
  const { violations } = await inMacrotask(() => runWorld(plans[name] as Plan))
  expect(violations).toEqual([])
})
