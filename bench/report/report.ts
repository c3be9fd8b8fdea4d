import { z } from 'zod'

import { sectionShape } from '../outcome.ts'

const aboutShape = z.object({
  name: z.string(),
  summary: z.string(),
  command: z.string(),
  seconds: z.number(),
  /** Of the machine, in the minute before. */
  loadBefore: z.number(),
})

const benchmarkShape = z.union([
  aboutShape.extend({ error: z.string() }),
  aboutShape.extend({ figures: z.unknown(), sections: z.array(sectionShape) }),
])

/** All that a page shows. It stands in the page itself, as JSON. */
export const reportShape = z.object({
  machine: z.record(z.string(), z.string()),
  commit: z.string(),
  command: z.string(),
  startedAt: z.string(),
  benchmarks: z.array(benchmarkShape),
})

export type Report = z.infer<typeof reportShape>
export type BenchmarkReport = z.infer<typeof benchmarkShape>
