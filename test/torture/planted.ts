import { amountOf, toldTo } from '../support/command-line.ts'
import { plant, plantedBugs } from './planted-bugs.ts'
import { torture } from './torture.ts'

const usage = `Plants one bug after the other in a copy of what is built, and tells how long torture takes to find it.

  npm run torture:planted                          all of them
  npm run torture:planted -- early_ack lost_puts   these
  npm run torture:planted -- --minutes 20          gives each twenty minutes, and not ten
  npm run torture:planted -- --seed 7              begins with the faults of seed 7

Bugs: ${plantedBugs.map(({ name }) => name).join(', ')}
`

const { positionals, values } = toldTo(usage, {
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, minutes: { type: 'string', default: '10' } },
})

/** How one bug fared. */
interface Search {
  readonly name: string
  readonly seconds: number
  readonly rounds: number
  readonly kills: number
  /** The first violation; undefined where there was none. */
  readonly seen: string | undefined
}

/** Rounds of half a minute of faults, because only behind them is it known whether something is missing. */
const minutesOfRound = 0.5

const secondsMax = amountOf('minutes', values.minutes) * 60
const unknown = positionals.find((word) => !plantedBugs.some(({ name }) => name === word))
if (unknown !== undefined) {
  process.stderr.write(`There is no planted bug "${unknown}".\n\n${usage}`)
  process.exit(2)
}
const firstSeed = amountOf('seed', values.seed)
const searches: Search[] = []
for (const bug of plantedBugs.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const { program, remove } = await plant(bug)
  try {
    searches.push(await search(bug.name, { program, store: bug.store }))
  } finally {
    remove()
  }
}
process.stdout.write(`\n${tableOf(searches)}\n`)
process.exit(searches.every(({ seen }) => seen !== undefined) ? 0 : 1)

async function search(name: string, how: Pick<Parameters<typeof torture>[0], 'program' | 'store'>): Promise<Search> {
  const startMs = performance.now()
  const secondsNow = (): number => Math.round((performance.now() - startMs) / 1000)
  let kills = 0
  for (let rounds = 1; ; rounds += 1) {
    const seed = firstSeed + rounds - 1
    const report = await torture({ seed, minutes: minutesOfRound, arrivalMsMax: 45_000, isHasty: true, ...how })
    const seen = report.violations[0]?.text
    kills += report.kills
    const found = seen === undefined ? 'not found' : `found, ${report.violations.length} violations: ${seen}`
    process.stdout.write(`${name}: seed ${seed} with ${report.kills} kills, ${secondsNow()} s: ${found}\n`)
    if (seen !== undefined || secondsNow() >= secondsMax) return { name, seconds: secondsNow(), rounds, kills, seen }
  }
}

function tableOf(all: readonly Search[]): string {
  const rows = all.map(({ name, seconds, rounds, kills, seen }) => {
    const found = seen === undefined ? `not in ${seconds}` : String(seconds)
    return [name, found, String(rounds), String(kills), seen ?? '']
  })
  const lines = [['bug', 'found after s', 'rounds', 'kills', 'what was seen'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}
