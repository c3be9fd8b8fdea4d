import type { Option, Options } from './options.ts'
import type { Outcome } from './outcome.ts'

export interface Benchmark {
  readonly summary: string
  readonly options: Readonly<Record<string, Option>>
  /** What `--quick` tells it: enough to see that it works. */
  readonly quick: Readonly<Record<string, string>>
  /** Each brings libraries and engines of its own, which only its run needs. */
  load(): Promise<{ run(options: Options): Promise<Outcome> }>
}

const shape: Option = { fallback: 'narrow,wide', meaning: 'records of 8 fields, or of 40' }
const format: Option = { fallback: 'msgpack,ndjson', meaning: 'of what is sent' }
const rounds = (fallback: number): Option => ({ fallback: `${fallback}`, meaning: 'how often each is measured' })

export const catalogue: Readonly<Record<string, Benchmark>> = {
  visible: {
    summary: 'From sending an event until a query has it',
    options: { tries: { fallback: '200', meaning: 'events, one at a time' } },
    quick: { tries: '20' },
    load: () => import('./visible.ts'),
  },
  split: {
    summary: 'The splitter on one core, beside JSON.parse',
    options: {
      shape,
      rounds: rounds(30),
      records: { meaning: 'in a body; 20000 narrow or 5000 wide ones without it' },
    },
    quick: { records: '2000', rounds: '3' },
    load: () => import('./split.ts'),
  },
  query: {
    summary: 'Small queries through the REST door, beside bare DuckDB',
    options: { seconds: { fallback: '10', meaning: 'of each section' } },
    quick: { seconds: '2' },
    load: () => import('./query.ts'),
  },
  queue: {
    summary: 'The job queue, beside graphile-worker and pg-boss',
    options: {
      only: { fallback: 'enqueue,process,latency,backlog,snapshot,fairness', meaning: 'sections' },
      jobs: { fallback: '20000', meaning: 'of each measurement' },
      rounds: rounds(3),
      backlog: { fallback: '1000000', meaning: 'jobs that wait in the section of that name' },
    },
    quick: { jobs: '300', rounds: '1', backlog: '10000' },
    load: () => import('./queue.ts'),
  },
  schedules: {
    summary: 'Schedules that are all due in one second, beside plain submission',
    options: { schedules: { fallback: '100000', meaning: 'so many' } },
    quick: { schedules: '2000' },
    load: () => import('./schedules.ts'),
  },
  store: {
    summary: 'Queries before and after merges, merges, and planning, beside bare DuckDB',
    options: {
      only: { fallback: 'queries,merges,planning', meaning: 'sections' },
      rounds: rounds(5),
      seconds: { fallback: '3600', meaning: 'each with a chunk, of which queries are asked' },
      merged: { fallback: '100000', meaning: 'rows of each of the 48 chunks that are merged' },
      chunks: { fallback: '1000000', meaning: 'in the largest table that is planned for' },
    },
    quick: { rounds: '1', seconds: '60', merged: '5000', chunks: '10000' },
    load: () => import('./store.ts'),
  },
  scan: {
    summary: 'Ten queries of a merged table, beside bare DuckDB and chdb',
    options: { rows: { fallback: '24000000', meaning: 'of the table' }, rounds: rounds(5) },
    quick: { rows: '240000', rounds: '1' },
    load: () => import('./scan.ts'),
  },
  forward: {
    summary: "Fluentd's forward port, beside imports over HTTP",
    options: { chunks: { fallback: '60', meaning: 'of 10,000 records, eight of them at once' } },
    quick: { chunks: '16' },
    load: () => import('./forward.ts'),
  },
  convert: {
    summary: 'The stages of a conversion to Parquet, beside bare DuckDB',
    options: {
      shape,
      format,
      rounds: rounds(5),
      records: { meaning: 'in bodies of 10000 narrow or 2000 wide ones; 120000 or 12000 without it' },
      version: { fallback: 'v2', meaning: 'of Parquet, v1 or v2' },
    },
    quick: { records: '5000', rounds: '2' },
    load: () => import('./convert.ts'),
  },
  ingest: {
    summary: 'Records from a loader until a query has them, beside bare DuckDB',
    options: {
      shape,
      format,
      door: { fallback: 'import,forward', meaning: 'the way in' },
      seconds: { fallback: '10', meaning: 'of each step' },
      rounds: rounds(3),
      rate: {
        meaning:
          'records a second, or flood for as many as are taken from senders that wait; without it up as long as it is sustained',
      },
      queries: { fallback: '0', meaning: 'small ones that are asked each second beside the load' },
      backlog: { meaning: '--backlog-seconds of the server' },
    },
    quick: { shape: 'narrow', format: 'msgpack', seconds: '2', rounds: '1', rate: '20000' },
    load: () => import('./ingest.ts'),
  },
  overload: {
    summary:
      'Ten times what a door can take in from one account, and a neighbour’s single events beside it and beside a full machine',
    options: {
      door: { fallback: 'import', meaning: 'the way in of the flood: import, forward or events' },
      seconds: {
        fallback: '30',
        meaning: 'of the flood; the neighbour alone and the peak are measured for a third of it each',
      },
      factor: { fallback: '10', meaning: 'how many times the peak is offered' },
      lines: { fallback: '64', meaning: 'connections of the flood' },
      backlog: { fallback: '3', meaning: 'seconds of conversion that may wait (--backlog-seconds)' },
    },
    quick: { seconds: '6' },
    load: () => import('./overload.ts'),
  },
  events: {
    summary: 'Single events, a request each, beside a bare node:http server',
    options: {
      seconds: { fallback: '5', meaning: 'of each turn' },
      rounds: rounds(3),
      lines: { fallback: '64', meaning: 'connections' },
      rate: { meaning: 'events a second; without it as many as are answered' },
    },
    quick: { seconds: '1', rounds: '1' },
    load: () => import('./events.ts'),
  },
}
