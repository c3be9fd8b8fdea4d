import { parseArgs } from 'node:util'

import { torture } from './torture.ts'
import type { Recovery, TortureReport } from './torture.ts'

// npm run torture -- --minutes 60 --seed 1: one seed after the other until the time is over, ten minutes each at most.

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    quiet: { type: 'boolean', default: false },
  },
})

const minutesPerSeed = 6

let left = Number(values.minutes)
let isWell = true
for (let seed = Number(values.seed); left > 0.01; seed += 1) {
  const minutes = Math.min(left, minutesPerSeed)
  left -= minutes
  const report = await torture({
    seed,
    minutes,
    ...(!values.quiet && { say: (line) => process.stdout.write(`  ${line}\n`) }),
  })
  process.stdout.write(`${textOf(report)}\n`)
  isWell &&= report.violations.length === 0
}
process.exit(isWell ? 0 : 1)

function textOf(report: TortureReport): string {
  const { seed, store, kills, struck, acknowledged, recoveries, queries, failedQueries, violations } = report
  const recovered = (of: (recovery: Recovery) => number): string => {
    const sorted = recoveries.map(of).toSorted((a, b) => a - b)
    return [0.5, 0.9, 0.99, 1]
      .map((share) => `p${share * 100} ${Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)} ms`)
      .join(', ')
  }
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  return [
    `seed ${seed}, ${store}: ${kills} kills; ${counts(struck)}; ${report.lostAnswers} answers lost, ${report.storeFaults} calls of the store failed`,
    `  an import was taken again after ${recovered(({ importMs }) => importMs)}`,
    `  a query was answered again after ${recovered(({ queryMs }) => queryMs)}`,
    `  batches acknowledged: ${counts(acknowledged)}; ${failedQueries} of ${queries} queries failed`,
    violations.length === 0
      ? '  nothing lost, nothing twice'
      : violations.map((line) => `  VIOLATION ${line}`).join('\n'),
  ].join('\n')
}
