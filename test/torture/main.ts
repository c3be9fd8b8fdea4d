import { parseArgs } from 'node:util'

import { sumOf, textOf } from './report.ts'
import { torture } from './torture.ts'
import type { TortureReport } from './torture.ts'

// npm run torture -- --minutes 60 --seeds 10: one seed after the other from `--seed` on, and a report over all of them. Fails where anything
// was lost, doubled or seen in part, and where a kill kept imports or queries from being answered for longer than `--recovery-limit` seconds.

const { values } = parseArgs({
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
for (let seed = first; seed < first + seeds; seed += 1) {
  const passed = ((seed - first) * minutes) / seeds
  const leftOf = (seconds: number): string => clockText((minutes - passed) * 60 - seconds)
  // The first fault is the beginning: until then, the server starts.
  let startMs: number | undefined
  const say = (line: string): void => {
    startMs ??= performance.now()
    process.stdout.write(`  ${leftOf((performance.now() - startMs) / 1000)} left  ${line}\n`)
  }
  const report = await torture({ seed, minutes: minutes / seeds, ...(!values.quiet && { say }) })
  reports.push(report)
  process.stdout.write(`${textOf(`seed ${seed}, ${report.store}`, sumOf([report], recoveryMsMax))}\n`)
}
const sum = sumOf(reports, recoveryMsMax)
if (reports.length > 1) process.stdout.write(`\n${textOf(`all ${seeds} seeds in ${minutes} minutes`, sum)}\n`)
process.exit(sum.violations.length === 0 && sum.late.length === 0 ? 0 : 1)

/** A run of nothing would find nothing wrong. */
function amountOf(name: string, text: string): number {
  const amount = Number(text)
  if (Number.isFinite(amount) && amount > 0) return amount
  process.stderr.write(`--${name} is "${text}", and has to be a number above zero.\n`)
  process.exit(2)
}

function clockText(seconds: number): string {
  const left = Math.max(0, Math.round(seconds))
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
}
