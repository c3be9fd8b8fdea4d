import { writeFileSync } from 'node:fs'

import { catalogue } from './catalogue.ts'
import { askedOf, optionsOf } from './command-line.ts'
import type { Asked } from './command-line.ts'
import { help } from './help.ts'
import { runEach } from './run-each.ts'

/**
 * `npm run bench -- NAME`: measures one thing and prints it beside a yardstick from the same run. Machines are noisy: quote
 * the ratios, and say on which machine, at which commit and with which command a figure was seen.
 */
const asked = understood(process.argv.slice(2))
if (asked.help) {
  console.log(help())
  process.exit(0)
}
const [name] = asked.names
const benchmark = catalogue[name ?? '']
if (name === undefined || benchmark === undefined) {
  console.error(help())
  process.exit(2)
}
if (asked.names.length === 1 && asked.report === undefined) {
  const outcome = await (await benchmark.load()).run(optionsOf(benchmark, asked))
  process.send?.(outcome)
  if (asked.json) console.log(JSON.stringify(outcome.figures, null, 2))
} else {
  const report = await runEach(asked)
  if (asked.report !== undefined) {
    const { renderPage } = await import('./report/page.ts')
    writeFileSync(asked.report, await renderPage(report))
    console.error(`the report is at ${asked.report}`)
  }
  if (asked.json) {
    const figures = report.benchmarks.map((of) => [of.name, 'figures' in of ? of.figures : { error: of.error }])
    console.log(JSON.stringify(Object.fromEntries(figures), null, 2))
  }
  if (report.benchmarks.some((of) => 'error' in of)) process.exitCode = 1
}

function understood(words: readonly string[]): Asked {
  try {
    return askedOf(words)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}
