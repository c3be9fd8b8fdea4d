import { parseArgs } from 'node:util'

import { torture } from './torture.ts'
import type { Recovery, TortureReport } from './torture.ts'

// npm run torture -- --minutes 60 --seed 1: one seed after the other until the time is over, six minutes each at most.

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
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  return [
    `seed ${seed}, ${store}: ${kills} kills; ${counts(struck)}; ${report.lostAnswers} answers lost, ${report.storeFaults} calls of the store failed`,
    ...recoveryLines(recoveries),
    `  batches acknowledged: ${counts(acknowledged)}; ${failedQueries} of ${queries} queries failed`,
    violations.length === 0
      ? '  nothing lost, nothing twice'
      : violations.map((line) => `  VIOLATION ${line}`).join('\n'),
  ].join('\n')
}

/** How soon imports and queries were answered again, after each fault that was followed by waiting for it. */
function recoveryLines(recoveries: readonly Recovery[]): string[] {
  const faults = [...new Set(recoveries.map(({ fault }) => fault))].toSorted()
  const isKill = ({ fault }: Recovery): boolean => /^(kill|kill_at_commit|hang) /.test(fault)
  return [
    lineOf('all kills', recoveries.filter(isKill)),
    ...faults.map((name) =>
      lineOf(
        name,
        recoveries.filter(({ fault }) => fault === name),
      ),
    ),
  ]
}

function lineOf(name: string, recoveries: readonly Recovery[]): string {
  const shares = (of: (recovery: Recovery) => number): string => {
    const sorted = recoveries.map(of).toSorted((a, b) => a - b)
    const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
    return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`
  }
  const [imports, queries] = [shares(({ importMs }) => importMs), shares(({ queryMs }) => queryMs)]
  const ofIt = `it waited for a worker ${shares(({ waitedMs }) => waitedMs)}, and ran ${shares(({ ranMs }) => ranMs)}`
  return `  after ${name} (${recoveries.length} looked at): an import ${imports}; a query ${queries}; ${ofIt}`
}
