import { expect, it } from 'vitest'

import { plantedBugs, wrongText } from '../torture/planted-bugs.ts'
import { torture } from '../torture/torture.ts'

// `npm run torture` (docs/torture.md) as a test: two minutes on a directory as object store in every run of the checks, `BIWA_TORTURE_MINUTES`
// for more or less, and `BIWA_TORTURE_SEED` for other faults; odd seeds run on an S3 server.

const minutes = Number(process.env['BIWA_TORTURE_MINUTES'] ?? 2)
const seed = Number(process.env['BIWA_TORTURE_SEED'] ?? 2)

it(
  `keeps what it acknowledged, once, while everything that it stands on breaks (${Math.round(minutes * 60)} s, seed ${seed})`,
  async () => {
    const report = await torture({ seed, minutes, say: (line) => console.log(line) })
    console.log(report)
    expect(report.violations).toEqual([])
    expect(report.kills).toBeGreaterThan(0)
    // Whatever was refused or lost on the way, all doors took something.
    for (const [table, count] of Object.entries(report.acknowledged)) expect([table, count > 0]).toEqual([table, true])
  },
  minutes * 60_000 + 900_000,
)

// `npm run torture:planted` has torture find them, in minutes for each.
it.each(plantedBugs)('there is a place for $name', (bug) => void wrongText(bug))
