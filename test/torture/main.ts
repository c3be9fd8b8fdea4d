import { amountOf, toldTo } from '../support/command-line.ts'
import { otherViolation } from './ledger.ts'
import { isSound, lineOf, sumOf, textOf } from './report.ts'
import type { Sum } from './report.ts'
import { torture } from './torture.ts'
import type { TortureOptions, TortureReport, UnderWay } from './torture.ts'

const usage = `Breaks what a whole server stands on while it is loaded by all doors, and compares what was acknowledged with what is stored.

  npm run torture -- --minutes 10                  with the faults of seed 1, and of the next for each six minutes more
  npm run torture -- --minutes 60 --seeds 10       ten seeds share the hour
  npm run torture -- --minutes 6 --seed 4          the faults of seed 4; odd seeds store on S3, even ones in a directory
  npm run torture -- --minutes 6 --recovery-limit 5  fails where a kill is felt for longer than 5 s; 2 otherwise
  npm run torture -- --minutes 6 --quiet           says nothing until a seed is done

Exits with 1 where anything was lost, doubled or seen in part, and where imports or queries were not answered in time after a kill. An
interrupted run compares nothing. See docs/torture.md.
`

const { values } = toldTo(usage, {
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string' },
    'recovery-limit': { type: 'string', default: '2' },
    quiet: { type: 'boolean', default: false },
  },
})

/** Where nobody says how many seeds share the time. */
const minutesPerSeedMax = 6

const minutes = amountOf('minutes', values.minutes)
const seeds = Math.ceil(amountOf('seeds', values.seeds ?? String(Math.ceil(minutes / minutesPerSeedMax))))
const first = amountOf('seed', values.seed)
const recoveryMsMax = amountOf('recovery-limit', values['recovery-limit']) * 1000

const reports: TortureReport[] = []
/** The seed that runs. */
let underWay: UnderWay | undefined
let seed = first
let isInterrupted = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupt())

for (; seed < first + seeds; seed += 1) {
  const passed = ((seed - first) * minutes) / seeds
  const leftOf = (seconds: number): string => clockText((minutes - passed) * 60 - seconds)
  // The first fault is the beginning: until then, the server starts.
  let startMs: number | undefined
  const say = (line: string): void => {
    startMs ??= performance.now()
    process.stdout.write(`  ${leftOf((performance.now() - startMs) / 1000)} left  ${line}\n`)
  }
  const report = await tortured({ seed, minutes: minutes / seeds, ...(!values.quiet && { say }) })
  reports.push(report)
  underWay = undefined
  process.stdout.write(`${textOf(`seed ${seed}, ${report.store}`, sumOf([report], recoveryMsMax))}\n`)
}
const total = sumOf(reports, recoveryMsMax)
if (reports.length > 1) process.stdout.write(`\n${textOf(`all ${seeds} seeds in ${minutes} minutes`, total)}\n`)
end(`TORTURE ${seeds} seeds, ${minutes} minutes`, total)

/** A seed that cannot be brought to its end is a failure, and what the others show is worth having. */
async function tortured(options: TortureOptions): Promise<TortureReport> {
  try {
    return await torture({ ...options, follow: (run) => (underWay = run) })
  } catch (error) {
    if (isInterrupted) return await new Promise(() => {})
    if (underWay === undefined) throw error
    const report = underWay.soFar()
    const text = `torture came to no end: ${error instanceof Error ? error.stack : String(error)}`
    return { ...report, violations: [...report.violations, otherViolation(text)] }
  }
}

/** Says what it did so far. What the seed that runs was told is not compared any more. */
async function interrupt(): Promise<void> {
  isInterrupted = true
  const sum = sumOf([...reports, ...(underWay === undefined ? [] : [underWay.soFar()])], recoveryMsMax)
  process.stdout.write(`\n${textOf(`interrupted in seed ${seed}`, sum)}\n`)
  await underWay?.close().catch(() => {})
  end(`TORTURE interrupted after ${reports.length} of ${seeds} seeds and a part`, { ...sum, isCompared: false })
}

function end(title: string, sum: Sum): never {
  process.stdout.write(`${lineOf(title, sum)}\n`)
  process.exit(isSound(sum) ? 0 : 1)
}

function clockText(seconds: number): string {
  const left = Math.max(0, Math.round(seconds))
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
}
