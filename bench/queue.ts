import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'

import { openBiwa } from './queue/biwa-contender.ts'
import { openGraphile } from './queue/graphile-contender.ts'
import { openPgBoss } from './queue/pg-boss-contender.ts'
import type { Bench } from './queue/sections.ts'
import { backlog, enqueue, fairness, latency, process as processing, snapshot } from './queue/sections.ts'
import { startServer } from './queue/server.ts'
import { rowsOf } from './queue/table.ts'

const sections: Record<string, { title: string; measure(bench: Bench): Promise<unknown> }> = {
  enqueue: { title: 'Enqueue, jobs/s by jobs per call (8 callers)', measure: enqueue },
  process: { title: 'Acquire, run and finish no-op jobs, jobs/s by batch and concurrency', measure: processing },
  latency: { title: 'From submit to the start of the handler when idle, ms', measure: latency },
  backlog: { title: 'Jobs/s at batch 100 beside 1,000,000 waiting jobs', measure: backlog },
  snapshot: { title: 'Jobs/s at batch 100 with and without a held snapshot, last 3 of 10 steps', measure: snapshot },
  fairness: { title: "One account's job behind 100,000 of another's, ms until it starts", measure: fairness },
}

/**
 * The queue beside graphile-worker and pg-boss: one database, real durability, the same number of connections, rounds in
 * turns. `--only=process,latency` chooses sections, `--jobs=5000` the size of each measurement, `--rounds=3` how many
 * times each is made.
 */
export async function run(): Promise<unknown> {
  const { values } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: Object.keys(sections).join(',') },
      jobs: { type: 'string', default: '20000' },
      rounds: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
    },
  })
  const server = await startServer()
  const bench: Bench = {
    server,
    biwa: await openBiwa(server.url),
    graphile: await openGraphile(server.url, 'singly'),
    graphileBatched: await openGraphile(server.url, 'batch'),
    graphileAhead: await openGraphile(server.url, 'ahead'),
    pgBoss: await openPgBoss(server.url),
    jobs: Number(values.jobs),
    rounds: Number(values.rounds),
  }
  const machine = {
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    ...server.settings,
  }
  print('Machine', machine)
  const results: Record<string, unknown> = { machine }
  for (const name of values.only.split(',')) {
    const section = sections[name]
    if (section === undefined) throw new Error(`--only: no section ${name}, but ${Object.keys(sections).join(', ')}`)
    results[name] = await section.measure(bench)
    print(section.title, results[name])
  }
  for (const contender of [bench.biwa, bench.graphile, bench.graphileBatched, bench.graphileAhead, bench.pgBoss])
    await contender.close()
  await server.stop()
  return results
}

function print(title: string, result: unknown): void {
  console.log(`\n${title}`)
  for (const row of rowsOf(result)) console.log(`  ${row}`)
}
