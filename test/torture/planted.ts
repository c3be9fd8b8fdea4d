import { parseArgs } from 'node:util'

import { plant, plantedBugs } from './planted-bugs.ts'
import { torture } from './torture.ts'

// npm run torture:planted -- [NAME …]: plants one bug after the other, and tells how long torture takes to find it.

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, minutes: { type: 'string', default: '10' } },
})

const minutesMax = Number(values.minutes)
let isWell = true
for (const bug of plantedBugs.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const { program, remove } = plant(bug)
  try {
    isWell &&= await isFound(bug.name, { program, store: bug.store })
  } finally {
    remove()
  }
}
process.exit(isWell ? 0 : 1)

/** Rounds of half a minute of faults, because only behind them is it known whether something is missing. */
async function isFound(name: string, how: Pick<Parameters<typeof torture>[0], 'program' | 'store'>): Promise<boolean> {
  const startMs = performance.now()
  for (let seed = Number(values.seed); (performance.now() - startMs) / 60_000 < minutesMax; seed += 1) {
    const { violations, kills } = await torture({ seed, minutes: 0.5, arrivalMsMax: 45_000, isHasty: true, ...how })
    const seconds = Math.round((performance.now() - startMs) / 1000)
    const [first] = violations
    if (first === undefined) {
      process.stdout.write(`${name}: not found by seed ${seed} with ${kills} kills, ${seconds} s\n`)
      continue
    }
    process.stdout.write(
      `${name}: found by seed ${seed} after ${seconds} s, ${violations.length} violations: ${first}\n`,
    )
    return true
  }
  return false
}
