import type { Randomness } from '../../src/base/randomness.ts'
import { seededRandomness, wholeNumber } from '../../src/jobs/testing/seeded-randomness.ts'

export const processKinds = [
  'api',
  'worker',
  'scheduler',
  'engine',
  'supervisor',
  'backend',
  'postmaster',
  'spare',
] as const
export type ProcessKind = (typeof processKinds)[number]

/** What goes wrong, and for how long. */
export type Fault =
  | { readonly kind: 'kill'; readonly what: ProcessKind }
  /** Killed when PostgreSQL has carried out its next commit, before it hears of that. */
  | { readonly kind: 'kill_at_commit'; readonly what: 'api' | 'worker' }
  /** Stands still, so that work piles up in its hands, and is killed with it. */
  | { readonly kind: 'hang'; readonly what: ProcessKind; readonly ms: number }
  | { readonly kind: 'pause'; readonly what: ProcessKind; readonly ms: number }
  /** Every so many-th connection to PostgreSQL. */
  | { readonly kind: 'cut'; readonly every: number }
  /** So many statements, or commits alone, are carried out, and nobody hears of it. */
  | { readonly kind: 'lost_answers'; readonly count: number; readonly onlyCommits: boolean }
  /** For so long, every other commit never reaches PostgreSQL: its connection ends before. */
  | { readonly kind: 'lost_commits'; readonly ms: number }
  /** Thirty in a hundred calls of the object store fail, in every way that there is. */
  | { readonly kind: 'bad_store'; readonly ms: number }
  | { readonly kind: 'full_disk'; readonly ms: number }
  /** The clock of all processes but PostgreSQL jumps. */
  | { readonly kind: 'clock_step'; readonly ms: number }

type FaultKind = Fault['kind']

export interface Step {
  /** After the last one of the strand is over. */
  readonly gapMs: number
  readonly fault: Fault
  /** It strikes so long after the next batch was acknowledged: then what was promised is still in somebody’s hands. */
  readonly afterAckMs: number | undefined
  /** Which of several processes of the kind: a share of their number. */
  readonly choice: number
  /** Whether all has to be well before it strikes, and again before the next one does, so that it is known how long that took. */
  readonly isPatient: boolean
}

/**
 * Faults that follow each other. What the strands do falls together: processes die, some of them before others are back, and meanwhile what
 * they stand on is not as it should be.
 */
export interface Strand {
  readonly faults: readonly FaultKind[]
  readonly gapMsMax: number
  /** How many of its faults are patient. Of one strand alone some are, for these wait until all others are over. */
  readonly patience: number
  /** Processes are killed so often by all strands together, if they can be: beyond that, this one waits. */
  readonly killsPerMinuteMax?: number
  /** How many of its gaps are long: who starts again looks everything through, and mends what others lost. */
  readonly rests: number
}

const restMs = { least: 4000, most: 8000 }

/** An hour is to have three thousand kills, also on a machine that is slow at times; and where all die all the time, nothing is under way that could be lost. */
const hurried: Strand = {
  faults: ['kill', 'kill_at_commit', 'hang'],
  gapMsMax: 500,
  patience: 0,
  killsPerMinuteMax: 65,
  rests: 0,
}

export const strands: readonly Strand[] = [
  { faults: ['kill', 'kill_at_commit', 'hang'], gapMsMax: 250, patience: 0.25, rests: 0.03 },
  hurried,
  hurried,
  {
    faults: ['pause', 'cut', 'lost_answers', 'lost_commits', 'bad_store', 'full_disk', 'clock_step'],
    gapMsMax: 4000,
    patience: 0,
    rests: 0,
  },
]

/** How often each fault strikes, in comparison with the others of its strand. */
const weights: Readonly<Record<FaultKind, number>> = {
  kill: 50,
  kill_at_commit: 10,
  hang: 15,
  pause: 4,
  cut: 5,
  lost_answers: 8,
  lost_commits: 10,
  bad_store: 4,
  full_disk: 2,
  clock_step: 3,
}

const kindWeights: Readonly<Record<ProcessKind, number>> = {
  api: 4,
  worker: 4,
  scheduler: 2,
  engine: 4,
  supervisor: 1,
  backend: 3,
  postmaster: 1,
  spare: 1,
}

export interface ScheduleOptions {
  readonly seed: number
  readonly strand: Strand
  readonly pauseMsMax: number
}

/** The same faults in the same order for the same seed. When each strikes depends on how soon all was well before. */
export function* scheduleOf({ seed, strand, pauseMsMax }: ScheduleOptions): Generator<Step, never> {
  const { faults, gapMsMax, patience, rests } = strand
  const randomness = seededRandomness(seed)
  for (;;) {
    const kind = weighted(
      randomness,
      faults.map((name) => [name, weights[name]]),
    )
    yield {
      gapMs:
        randomness.fraction() < rests
          ? wholeNumber(randomness, restMs.least, restMs.most)
          : wholeNumber(randomness, 0, gapMsMax),
      fault: faultOf(kind, randomness, pauseMsMax),
      afterAckMs: randomness.fraction() < 0.6 ? wholeNumber(randomness, 0, 150) : undefined,
      choice: randomness.fraction(),
      isPatient: randomness.fraction() < patience,
    }
  }
}

function faultOf(kind: FaultKind, randomness: Randomness, pauseMsMax: number): Fault {
  const what = weighted(
    randomness,
    processKinds.map((name) => [name, kindWeights[name]]),
  )
  const ms = wholeNumber(randomness, 200, pauseMsMax)
  switch (kind) {
    case 'kill':
      return { kind, what }
    case 'kill_at_commit':
      return { kind, what: randomness.fraction() < 0.8 ? 'worker' : 'api' }
    case 'hang':
      return { kind, what, ms: wholeNumber(randomness, 100, 1500) }
    case 'pause':
      return { kind, what, ms }
    case 'cut':
      return { kind, every: wholeNumber(randomness, 1, 4) }
    case 'lost_answers':
      return { kind, count: wholeNumber(randomness, 1, 20), onlyCommits: randomness.fraction() < 0.5 }
    case 'lost_commits':
      return { kind, ms: wholeNumber(randomness, 1000, 4000) }
    case 'clock_step':
      return { kind, ms: wholeNumber(randomness, -3_600_000, 3_600_000) }
    default:
      return { kind, ms }
  }
}

function weighted<T>(randomness: Randomness, choices: readonly (readonly [T, number])[]): T {
  let left = randomness.fraction() * choices.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [choice, weight] of choices) {
    left -= weight
    if (left < 0) return choice
  }
  throw new Error('there is nothing to choose from')
}

export function faultText(fault: Fault): string {
  const { kind, ...rest } = fault
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(' ')
}

/** By which faults are counted: what it is and, where it is a process, of which kind. */
export function nameOf(fault: Fault): string {
  return 'what' in fault ? `${fault.kind} ${fault.what}` : fault.kind
}

/** Whether it goes on for longer than anybody wants to wait for its end. */
export function isLong({ kind }: Fault): boolean {
  return ['pause', 'lost_commits', 'bad_store', 'full_disk'].includes(kind)
}

/** Whether a process ended of a fault of this name. */
export function isKill(name: string): boolean {
  return /^(kill|kill_at_commit|hang) /.test(name)
}
