import { expect, it } from 'vitest'

import { torture } from '../torture/torture.ts'

// The short form of `npm run torture` (docs/torture.md). `BIWA_TORTURE_MINUTES=2` takes longer, and `BIWA_TORTURE_SEED` other faults.

const minutes = Number(process.env['BIWA_TORTURE_MINUTES'] ?? 40 / 60)
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
