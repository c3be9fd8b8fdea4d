import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { amountOf, toldTo } from '../../test/support/command-line.ts'
import { commit, describeMachine } from '../machine.ts'
import { renderPage } from '../report/page.ts'
import { startLoad } from './load.ts'
import { openSampler } from './samples.ts'
import type { Sample } from './samples.ts'
import { sectionsOf } from './sections.ts'
import { startSoaked } from './server.ts'
import { trendsOf } from './trends.ts'

const usage = `Loads a whole server moderately and steadily, and notes every few seconds what its processes hold. At the end nothing of that may be more
than it was: the second quarter of the time is compared with the last one.

  npm run soak -- --minutes 60                     an hour
  npm run soak -- --minutes 10 --sample-seconds 1  looks each second, and not every five
  npm run soak -- --minutes 60 --report PATH       writes its page there, and not to bench/soak.html

Exits with 1 where something grows, or a request failed.
`

const { values } = toldTo(usage, {
  options: {
    minutes: { type: 'string', default: '60' },
    'sample-seconds': { type: 'string', default: '5' },
    report: { type: 'string', default: resolve(import.meta.dirname, '../soak.html') },
  },
})
const minutes = amountOf('minutes', values.minutes)
const everyMs = amountOf('sample-seconds', values['sample-seconds']) * 1000

const machine = await describeMachine()
const startedAt = new Date()
const loadBefore = loadavg()[0] ?? 0
const soaked = await startSoaked()
const samples: Sample[] = []
try {
  const sampler = openSampler(soaked)
  const load = startLoad(soaked.biwa)
  const startMs = performance.now()
  for (let due = startMs; due < startMs + minutes * 60_000; due += everyMs) {
    await sleep(Math.max(0, due - performance.now()))
    samples.push(await sampler.sample((performance.now() - startMs) / 60_000))
    if (samples.length % 12 === 1) console.error(lineOf(samples.at(-1)))
  }
  const work = await load.stop()
  console.log(`\n${JSON.stringify(work)}`)
  const trends = trendsOf(samples)
  for (const { what, unit, second, last, isFlat } of trends) {
    const growth = `${((last / second - 1) * 100).toFixed(1)} %`.padStart(9)
    const amounts = `${second.toFixed(1).padStart(9)} → ${last.toFixed(1).padStart(9)} ${unit.padEnd(12)}`
    console.log(`${what.padEnd(24)} ${amounts} ${growth}  ${isFlat ? 'flat' : 'GROWS'}`)
  }
  const [name, summary] = ['soak', `${minutes} minutes of steady load`]
  const command = ['npm run soak --', ...process.argv.slice(2)].join(' ')
  const run = {
    name,
    summary,
    command,
    seconds: minutes * 60,
    loadBefore,
    figures: { work, samples },
    sections: sectionsOf(samples, trends, work),
  }
  const report = { machine, commit: commit(), command, startedAt: startedAt.toISOString(), benchmarks: [run] }
  writeFileSync(values.report, await renderPage(report))
  console.log(`the report is at ${values.report}`)
  if (work.failures.length > 0 || trends.some(({ isFlat }) => !isFlat)) process.exitCode = 1
} finally {
  await soaked.stop()
}

function lineOf(sample: Sample | undefined): string {
  if (sample === undefined) return ''
  const sum = (of: Readonly<Record<string, number>>): number => Object.values(of).reduce((all, one) => all + one, 0)
  return `minute ${sample.minute.toFixed(1)}: ${Math.round(sum(sample.memory))} MiB, ${sum(sample.handles)} handles, ${sum(sample.files)} files`
}
