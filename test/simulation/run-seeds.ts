import { inMacrotask } from './drain-microtasks.ts'
import type { Sabotage } from './planted-bugs.ts'
import type { Plan } from './world/plan.ts'
import { largePlanOf, planOf } from './world/plan.ts'
import type { Report } from './world/world.ts'
import { runWorld } from './world/world.ts'

export interface Seeds {
  readonly from: number
  /** How many, if nothing else ends it. */
  readonly count: number
  readonly secondsMax?: number
  readonly sabotage?: Sabotage
  readonly countsSituations?: boolean
  /** Lives through the large world of each seed, whatever its size would be. */
  readonly onlyLarge?: boolean
  /** Called with each world in which something was violated; true ends the run. */
  readonly onViolation: (report: Report) => boolean
}

export interface Totals {
  worlds: number
  steps: number
  bodies: number
  commits: number
  merges: number
  /** By their kind. */
  readonly calamities: Record<string, number>
  readonly situations: Record<string, number>
  seconds: number
  /** Of the processor, with those for compiling and for collecting garbage. */
  cpuSeconds: number
}

export function noTotals(): Totals {
  return {
    worlds: 0,
    steps: 0,
    bodies: 0,
    commits: 0,
    merges: 0,
    calamities: {},
    situations: {},
    seconds: 0,
    cpuSeconds: 0,
  }
}

/** Adds what was counted; how long it took is known to whoever began it. */
export function addCounts(totals: Totals, more: Omit<Totals, 'seconds' | 'cpuSeconds'>): void {
  for (const name of ['worlds', 'steps', 'bodies', 'commits', 'merges'] as const) totals[name] += more[name]
  addTimes(totals.calamities, more.calamities)
  addTimes(totals.situations, more.situations)
}

function addTimes(totals: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, times] of Object.entries(more)) totals[name] = (totals[name] ?? 0) + times
}

/** Lives through the worlds of the seeds, one after the other. */
export async function runSeeds(seeds: Seeds): Promise<Totals> {
  const {
    from,
    count,
    secondsMax = Infinity,
    sabotage,
    countsSituations = false,
    onlyLarge = false,
    onViolation,
  } = seeds
  const planned = onlyLarge ? largePlanOf : planOf
  const options = { countsSituations, ...(sabotage !== undefined && { sabotage }) }
  const totals = noTotals()
  const startedMs = performance.now()
  const startedCpu = process.cpuUsage()
  let isOver = false
  // Errors are a part of these worlds, and nobody reads their stacks here: a world that is told of has them.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  for (let seed = from; seed < from + count && !isOver && totals.seconds < secondsMax; seed += 1) {
    // Each in a turn of the event loop: until its end, Node.js holds every promise that was rejected.
    const report = await inMacrotask(() => runWorld(planned(seed), options))
    addCounts(totals, { worlds: 1, ...report })
    if (report.violations.length > 0) isOver = onViolation(report)
    totals.seconds = (performance.now() - startedMs) / 1000
    const { user, system } = process.cpuUsage(startedCpu)
    totals.cpuSeconds = (user + system) / 1e6
  }
  Error.stackTraceLimit = stackTraceLimit
  return totals
}

/** Takes away from the plan of a world that fails whatever it also fails without. */
export async function shrunk(plan: Plan, sabotage?: Sabotage): Promise<Plan> {
  const fails = async (smaller: Plan): Promise<boolean> => {
    const report = await inMacrotask(() => runWorld(smaller, sabotage === undefined ? {} : { sabotage }))
    return report.violations.length > 0
  }
  let smallest = plan
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false
    for (const smaller of smallerThan(smallest)) {
      if (!(await fails(smaller))) continue
      smallest = smaller
      isSmaller = true
      break
    }
  }
  return smallest
}

/** The plans with one thing less. */
function* smallerThan(plan: Plan): Iterable<Plan> {
  for (const left of plan.calamities) {
    yield { ...plan, calamities: plan.calamities.filter((calamity) => calamity !== left) }
  }
  for (const left of plan.cutAtDiskCalls) {
    yield { ...plan, cutAtDiskCalls: plan.cutAtDiskCalls.filter((call) => call !== left) }
  }
  for (const left of plan.killAtStatements) {
    yield { ...plan, killAtStatements: plan.killAtStatements.filter((statement) => statement !== left) }
  }
  if (plan.hasTwinMerges) yield { ...plan, hasTwinMerges: false }
  if (plan.hasScheduler) yield { ...plan, hasScheduler: false }
  for (const [name, rate] of Object.entries(plan.rates)) {
    if (rate > 0) yield { ...plan, rates: { ...plan.rates, [name]: 0 } }
  }
  for (const left of plan.bodies) {
    if (plan.bodies.length > 1) yield { ...plan, bodies: plan.bodies.filter((body) => body !== left) }
  }
  if (plan.workers === 2) yield { ...plan, workers: 1 }
}
