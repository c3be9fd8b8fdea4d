/**
 * `npm run bench -- NAME`: measures one thing and prints it beside a yardstick from the same run. Machines are noisy: quote
 * the ratios, and say on which machine, at which commit and with which command a figure was seen.
 */
const benchmarks: Record<string, () => Promise<{ run(): Promise<unknown> }>> = {
  visible: () => import('./visible.ts'),
  split: () => import('./split.ts'),
  query: () => import('./query.ts'),
  queue: () => import('./queue.ts'),
  schedules: () => import('./schedules.ts'),
  store: () => import('./store.ts'),
  scan: () => import('./scan.ts'),
  forward: () => import('./forward.ts'),
  convert: () => import('./convert.ts'),
  ingest: () => import('./ingest.ts'),
  events: () => import('./events.ts'),
}

const [name = ''] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const load = benchmarks[name]
if (load === undefined) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benchmarks).join(', ')}`)
  process.exit(2)
}
const result = await (await load()).run()
if (process.argv.includes('--json')) console.log(JSON.stringify(result, null, 2))
