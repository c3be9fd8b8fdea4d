import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'

import type { Options } from './options.ts'
import { transposed } from './outcome.ts'
import type { Outcome, Section } from './outcome.ts'
import { openBiwa } from './queue/biwa-contender.ts'
import { openGraphile } from './queue/graphile-contender.ts'
import { openPgBoss } from './queue/pg-boss-contender.ts'
import type { Rates } from './queue/rates.ts'
import type { Bench } from './queue/sections.ts'
import { backlog, enqueue, fairness, latency, process as processing, snapshot } from './queue/sections.ts'
import { startServer } from './queue/server.ts'
import { rowsOf } from './queue/table.ts'

interface Measured {
  readonly figures: unknown
  readonly section: Section
}

interface QueueSection {
  readonly title: string
  measure(bench: Bench, title: string): Promise<Measured>
}

const sections: Readonly<Record<string, QueueSection>> = {
  enqueue: { title: 'Enqueue, jobs/s by jobs per call (8 callers)', measure: rates(enqueue, 'graphile-worker') },
  process: {
    title: 'Acquire, run and finish no-op jobs, jobs/s by batch and concurrency',
    measure: rates(processing, 'graphile-worker by 500'),
  },
  latency: {
    title: 'From submit to the start of the handler when idle, ms',
    async measure(bench, title) {
      const figures = await latency(bench)
      const rows = { 'a job': figures }
      return { figures, section: { kind: 'quantiles', title, unit: 'ms', yardstick: 'graphile-worker', rows } }
    },
  },
  backlog: { title: 'Jobs/s at batch 100 beside waiting jobs', measure: rates(backlog) },
  snapshot: {
    title: 'Jobs/s at batch 100 with and without a held snapshot, last 3 of 10 steps',
    measure: rates(snapshot, 'graphile-worker by 500'),
  },
  fairness: {
    title: "One account's job behind 100,000 of another's, ms until it starts",
    async measure(bench, title) {
      const figures = await fairness(bench)
      return { figures, section: { kind: 'quantiles', title, unit: 'ms', rows: { 'a job': { biwa: figures } } } }
    },
  },
}

function rates(of: (bench: Bench) => Promise<Rates>, yardstick?: string): QueueSection['measure'] {
  return async (bench, title) => {
    const figures = await of(bench)
    const section = { kind: 'amounts', title, unit: 'jobs/s', better: 'more', rows: transposed(figures) } as const
    return { figures, section: yardstick === undefined ? section : { ...section, yardstick } }
  }
}

/**
 * The queue beside graphile-worker and pg-boss: one database, real durability, the same number of connections, rounds in
 * turns.
 */
export async function run(options: Options): Promise<Outcome> {
  const server = await startServer()
  const bench: Bench = {
    server,
    biwa: await openBiwa(server.url),
    graphile: await openGraphile(server.url, 'singly'),
    graphileBatched: await openGraphile(server.url, 'batch'),
    graphileAhead: await openGraphile(server.url, 'ahead'),
    pgBoss: await openPgBoss(server.url),
    jobs: options.number('jobs'),
    rounds: options.number('rounds'),
    backlogJobs: options.number('backlog'),
  }
  const machine = {
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    ...server.settings,
  }
  print('Machine', machine)
  const results: Record<string, unknown> = { machine }
  const shown: Section[] = []
  for (const name of options.list('only')) {
    const section = sections[name]
    if (section === undefined) throw new Error(`--only: no section ${name}, but ${Object.keys(sections).join(', ')}`)
    const measured = await section.measure(bench, section.title)
    results[name] = measured.figures
    shown.push(measured.section)
    print(section.title, measured.figures)
  }
  for (const contender of [bench.biwa, bench.graphile, bench.graphileBatched, bench.graphileAhead, bench.pgBoss])
    await contender.close()
  await server.stop()
  return { figures: results, sections: shown }
}

function print(title: string, result: unknown): void {
  console.log(`\n${title}`)
  for (const row of rowsOf(result)) console.log(`  ${row}`)
}
