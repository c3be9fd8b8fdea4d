import { availableParallelism } from 'node:os'

import { amountOf, toldTo } from '../support/command-line.ts'
import { inMacrotask } from './drain-microtasks.ts'
import { plantedBugs } from './planted-bugs.ts'
import type { PlantedBug, Sabotage } from './planted-bugs.ts'
import { Progress } from './progress.ts'
import { runSeedsInProcesses } from './run-in-processes.ts'
import { runSeeds, shrunk } from './run-seeds.ts'
import type { Totals } from './run-seeds.ts'
import { largePlanOf, planOf } from './world/plan.ts'
import { runWorld } from './world/world.ts'
import type { Report } from './world/world.ts'

const usage = `Lives through simulated worlds of the commit path and says in which of them a promise was broken.

  npm run simulate -- --seeds 10000              the worlds of the seeds 0 to 9999
  npm run simulate -- --minutes 60 --from 5000   as many as an hour allows, from seed 5000 on
  npm run simulate -- --seeds 10000 --processes 1 … by one process, and not by as many as there are processors
  npm run simulate -- --seed 4711                tells what happens in one world
  npm run simulate -- --seed 4711 --shrink       tells it without the faults that are not needed to break it
  npm run simulate -- --bug early_ack            with a bug that was planted, until it is found
  npm run simulate -- --bug early_ack --finds 20 … so often: how many worlds that takes, and how long
  npm run simulate -- --seeds 10000 --large      the large world of each seed; most are small otherwise
  npm run simulate -- --seeds 10000 --situations what the worlds got into, and how often

A run that is interrupted does what it has begun, and says from which seed on to go on.

Bugs: ${Object.keys(plantedBugs).join(', ')}
`

/** How many broken worlds are told of before a run ends. */
const violationsMax = 10

const { values } = toldTo(usage, {
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    bug: { type: 'string' },
    finds: { type: 'string', default: '1' },
    situations: { type: 'boolean', default: false },
    processes: { type: 'string', default: String(availableParallelism()) },
    large: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
  },
})

if (values.seed !== undefined) await tellOne(Number(values.seed))
else await runMany()

function tell(text: string): void {
  process.stdout.write(`${text}\n`)
}

function sabotageOf(name: string | undefined): Sabotage | undefined {
  if (name === undefined) return undefined
  if (!Object.hasOwn(plantedBugs, name)) {
    process.stderr.write(`There is no planted bug "${name}".\n\n${usage}`)
    process.exit(2)
  }
  return plantedBugs[name as PlantedBug]
}

async function tellOne(seed: number): Promise<void> {
  const sabotage = sabotageOf(values.bug)
  const whole = values.large ? largePlanOf(seed) : planOf(seed)
  const plan = values.shrink ? await shrunk(whole, sabotage) : whole
  tell(`The plan of the world: ${JSON.stringify(plan, null, 2)}\n`)
  const report = await inMacrotask(() => runWorld(plan, { trace: tell, ...(sabotage !== undefined && { sabotage }) }))
  tell(report.violations.length === 0 ? '\nEverything held.' : `\nBROKEN: ${report.violations.join('\n        ')}`)
  if (report.violations.length > 0) process.exitCode = 1
}

async function runMany(): Promise<void> {
  const sabotage = sabotageOf(values.bug)
  const count =
    values.seeds !== undefined ? amountOf('seeds', values.seeds) : values.minutes !== undefined ? Infinity : 10_000
  const brokenMax = sabotage === undefined ? violationsMax : Number(values.finds)
  const secondsMax = values.minutes !== undefined ? amountOf('minutes', values.minutes) * 60 : Infinity
  const progress = new Progress(process.stderr)
  const from = Number(values.from)
  let nextSeed = from
  let broken = 0
  const seeds = {
    from,
    count,
    secondsMax,
    countsSituations: values.situations,
    onlyLarge: values.large,
    onViolation({ plan, violations }: Report) {
      broken += 1
      progress.clear()
      tell(`seed ${plan.seed}: ${violations.join('; ')}`)
      return broken === brokenMax
    },
  }
  // Where a bug is looked for, the first seed that shows it is what counts.
  const totals =
    sabotage === undefined
      ? await runSeedsInProcesses({
          ...seeds,
          processes: Number(values.processes),
          stopping: untilInterrupted(),
          onProgress({ worlds, seconds }, next) {
            nextSeed = next
            progress.show({ worlds, worldsMax: count, seconds, secondsMax, broken, nextSeed })
          },
        })
      : await runSeeds({ ...seeds, sabotage })
  progress.clear()
  tell(summaryOf(totals, broken))
  if (sabotage === undefined && nextSeed < from + count)
    tell(`all seeds before ${nextSeed} are done: --from ${nextSeed}`)
  if (sabotage !== undefined && broken > 0) {
    const each = `${(totals.worlds / broken).toFixed(1)} worlds and ${(totals.cpuSeconds / broken).toFixed(2)} s`
    tell(`${each} of the processor until it is found, on the average of ${broken}`)
  }
  if (values.situations) tell(tableOf(totals))
  if (broken > 0) process.exitCode = 1
}

function untilInterrupted(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
  return stopping.signal
}

function summaryOf(totals: Totals, broken: number): string {
  const { worlds, seconds, cpuSeconds, steps, bodies, commits, merges, calamities } = totals
  const events = `${steps} events, ${bodies} bodies, ${commits} commits, ${merges} merges`
  const kinds = Object.entries(calamities).map(([kind, times]) => `${times} of ${kind}`)
  const speed = `${(worlds / seconds).toFixed(0)}/s, ${((1000 * cpuSeconds) / worlds).toFixed(2)} ms of the processor each`
  return `${worlds} worlds in ${seconds.toFixed(1)} s (${speed}): ${events}; ${broken} broken
calamities: ${kinds.join(', ')}`
}

/** How often each situation occurred in a second of the processor. */
function tableOf({ situations, cpuSeconds }: Totals): string {
  return Object.entries(situations)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, times]) => `${(times / cpuSeconds).toFixed(2).padStart(9)}/s  ${times.toString().padStart(9)}  ${name}`,
    )
    .join('\n')
}
