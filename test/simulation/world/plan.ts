import { Chance } from './chance.ts'

export type Role = 'api' | 'worker 1' | 'worker 2' | 'scheduler'

/** Something that happens to the machine, at a moment of the world. */
export type Calamity = { readonly atMs: number } & (
  | { readonly what: 'kill'; readonly role: Role }
  | { readonly what: 'freeze'; readonly role: Role; readonly forMs: number }
  | { readonly what: 'power cut' }
  | { readonly what: 'database restart'; readonly forMs: number }
  | { readonly what: 'disk fails'; readonly forMs: number }
  | { readonly what: 'disk full'; readonly forMs: number }
  | { readonly what: 'sleep'; readonly forMs: number }
)

/** What goes wrong now and then, each as a share of all calls. */
export interface Rates {
  readonly databaseRefused: number
  readonly databaseUnheard: number
  readonly databaseSlow: number
  readonly objectsRefused: number
  readonly objectsUnheard: number
  readonly objectsSilent: number
  readonly noticesLost: number
  readonly enginesDie: number
  readonly enginesSlow: number
}

/** Nothing goes wrong. */
export const calmRates: Rates = {
  databaseRefused: 0,
  databaseUnheard: 0,
  databaseSlow: 0,
  objectsRefused: 0,
  objectsUnheard: 0,
  objectsSilent: 0,
  noticesLost: 0,
  enginesDie: 0,
  enginesSlow: 0,
}

export interface PlannedBody {
  readonly atMs: number
  readonly account: number
  readonly hasId: boolean
  readonly records: number
  /** Letters that make a record longer. */
  readonly padding: number
  /** The sender did not hear that it was acknowledged, and sends it again. */
  readonly isRepeated: boolean
}

/** All that a seed decides of a world beforehand. */
export interface Plan {
  readonly seed: number
  /** Objects lie in a bucket somewhere else, or in a directory of the disk. */
  readonly isBucket: boolean
  readonly workers: 1 | 2
  readonly bodies: readonly PlannedBody[]
  readonly calamities: readonly Calamity[]
  /** Calls of the disk at which the power is cut: between a write and its sync is where it hurts. */
  readonly cutAtDiskCalls: readonly number[]
  /** Statements, counted over all processes, in the middle of which the process that asks is killed. */
  readonly killAtStatements: readonly number[]
  /** Without one nothing is merged or swept, and nothing else may need it. */
  readonly hasScheduler: boolean
  /** Somebody asks for the merges of a table twice at once. */
  readonly hasTwinMerges: boolean
  readonly rates: Rates
  /** From then on nothing goes wrong any more. */
  readonly calmFromMs: number
}

const minuteMs = 60_000

/** One of so many worlds is large. */
const largeOneOf = 32

/**
 * Most worlds are small, so that there can be millions of them; in the large ones faults meet each other. Chance of its own decides, so
 * that the large world of a seed is the one that it was when all were large.
 */
export function planOf(seed: number): Plan {
  return new Chance(seed, 'size').is(1 / largeOneOf) ? largePlanOf(seed) : smallPlanOf(seed)
}

/** A body or two, and one kind of trouble, which often strikes at a moment that matters. */
export function smallPlanOf(seed: number): Plan {
  const chance = new Chance(seed, 'small plan')
  const bodies = Array.from({ length: chance.is(0.25) ? 2 : 1 }, () => smallBody(chance))
  const calm: Plan = {
    seed,
    isBucket: chance.is(0.4),
    workers: 1,
    bodies,
    calamities: [],
    cutAtDiskCalls: [],
    killAtStatements: [],
    hasScheduler: false,
    hasTwinMerges: false,
    rates: calmRates,
    calmFromMs: 600,
  }
  return { ...calm, ...trouble(chance) }
}

/** Soon after the processes have started, so that all of it is over soon. */
function smallBody(chance: Chance): PlannedBody {
  return {
    atMs: chance.between(20, 120),
    account: 1,
    hasId: chance.is(0.5),
    records: chance.whole(1, 2),
    padding: chance.whole(0, 200),
    isRepeated: chance.is(0.3),
  }
}

/** What a small world is about. The ranges are those of the calls and of the times at which its bodies come, are imported and stored. */
function trouble(chance: Chance): Partial<Plan> {
  const kind = chance.fraction()
  if (kind < 0.25) return { cutAtDiskCalls: [chance.whole(1, 90)] }
  if (kind < 0.4) return { killAtStatements: [chance.whole(8, 45)] }
  if (kind < 0.5) {
    const role = chance.of<Role>(['api', 'worker 1'])
    return { calamities: [{ atMs: chance.between(20, 450), what: 'kill', role }] }
  }
  if (kind < 0.6) return { calamities: [{ atMs: chance.between(20, 450), what: 'power cut' }] }
  if (kind < 0.74) return { rates: { ...calmRates, databaseRefused: 0.05, databaseUnheard: 0.1 } }
  if (kind < 0.82) return { rates: { ...calmRates, objectsRefused: 0.15, objectsUnheard: 0.2, objectsSilent: 0.05 } }
  if (kind < 0.86) return { rates: { ...calmRates, enginesDie: 0.4, noticesLost: 0.2 } }
  if (kind < 0.9) {
    const failing = chance.is(0.5) ? ('disk fails' as const) : ('disk full' as const)
    return { calamities: [{ atMs: chance.between(20, 400), what: failing, forMs: chance.between(10, 200) }] }
  }
  // Frozen for longer than its lease, and then it goes on: in the meantime somebody else did its work.
  if (kind < 0.95) {
    const freeze = { what: 'freeze', role: 'worker 1', forMs: chance.between(3000, 6000) } as const
    return { workers: 2, calamities: [{ ...freeze, atMs: chance.between(100, 450) }], calmFromMs: 6500 }
  }
  // What was imported long ago is merged and swept.
  const calamities = [{ atMs: 600, what: 'sleep', forMs: 11 * minuteMs }] as const
  return { hasScheduler: true, hasTwinMerges: chance.is(0.3), calamities, calmFromMs: 700 }
}

/** Many bodies, and everything that can go wrong, each in some of them. */
export function largePlanOf(seed: number): Plan {
  const chance = new Chance(seed, 'plan')
  const spreadMs = chance.between(100, 2500)
  const calamities = Array.from({ length: chance.whole(0, 4) }, () => calamity(chance, spreadMs + 1500))
  // What was long ago is merged and swept: that needs time to pass.
  const isMerged = chance.is(0.5)
  if (isMerged) calamities.push({ atMs: spreadMs + 600, what: 'sleep', forMs: 11 * minuteMs })
  return {
    seed,
    isBucket: chance.is(0.5),
    workers: chance.is(0.6) ? 2 : 1,
    bodies: Array.from({ length: chance.whole(1, chance.is(0.1) ? 24 : 7) }, () => body(chance, spreadMs)),
    calamities: calamities.toSorted((a, b) => a.atMs - b.atMs),
    cutAtDiskCalls: Array.from({ length: chance.is(0.5) ? chance.whole(1, 2) : 0 }, () => chance.whole(10, 150)),
    killAtStatements: Array.from({ length: chance.is(0.4) ? chance.whole(1, 2) : 0 }, () => chance.whole(20, 250)),
    hasScheduler: isMerged || chance.is(0.8),
    hasTwinMerges: chance.is(0.3),
    rates: ratesOf(chance),
    calmFromMs: spreadMs + 2000,
  }
}

function body(chance: Chance, spreadMs: number): PlannedBody {
  return {
    atMs: chance.between(0, spreadMs),
    account: chance.whole(1, 2),
    hasId: chance.is(0.7),
    records: chance.whole(1, 3),
    padding: chance.is(0.15) ? chance.whole(2000, 9000) : chance.whole(0, 500),
    isRepeated: chance.is(0.2),
  }
}

function calamity(chance: Chance, withinMs: number): Calamity {
  const atMs = chance.between(0, withinMs)
  const role = chance.of<Role>(['api', 'api', 'worker 1', 'worker 1', 'worker 2', 'scheduler'])
  const kind = chance.fraction()
  if (kind < 0.35) return { atMs, what: 'kill', role }
  if (kind < 0.6) return { atMs, what: 'power cut' }
  if (kind < 0.8) return { atMs, what: 'freeze', role, forMs: chance.between(500, 6000) }
  if (kind < 0.88) return { atMs, what: 'database restart', forMs: chance.between(0, 800) }
  if (kind < 0.92) return { atMs, what: 'disk fails', forMs: chance.between(10, 600) }
  if (kind < 0.96) return { atMs, what: 'disk full', forMs: chance.between(10, 600) }
  return { atMs, what: 'sleep', forMs: 25 * 60 * minuteMs }
}

/** Each kind of fault is there in some worlds only, and then in plenty: together they would hide each other. */
function ratesOf(chance: Chance): Rates {
  const rate = (most: number): number => (chance.is(0.35) ? chance.between(0, most) : 0)
  return {
    databaseRefused: rate(0.1),
    databaseUnheard: rate(0.1),
    databaseSlow: rate(0.1),
    objectsRefused: rate(0.3),
    objectsUnheard: rate(0.3),
    objectsSilent: rate(0.1),
    noticesLost: rate(0.5),
    enginesDie: rate(0.3),
    enginesSlow: rate(0.3),
  }
}
