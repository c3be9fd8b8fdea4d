import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

import type { Logger } from '../base/log.ts'
import type { Jobs } from '../jobs/jobs.ts'

/** What the API counts. Labels have few values: route patterns, status codes, codes of the error catalogue. */
export interface ApiMetrics {
  /** Everything in the text format of Prometheus. */
  render(): Promise<string>
  readonly requests: Counter<'method' | 'route' | 'status'>
  readonly seconds: Histogram<'method' | 'route'>
  readonly ingestRequests: Counter<'door' | 'outcome'>
  readonly ingestBytes: Counter<'door'>
}

export function openMetrics(options: { version: string; jobs: Pick<Jobs, 'depth'>; log: Logger }): ApiMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'biwa_build_info',
    help: '1, with the version as label.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: options.version, node: process.version }, 1)
  const fillJobGauges = jobGauges(registers, options.jobs, options.log)
  return {
    async render() {
      await fillJobGauges()
      return registry.metrics()
    },
    requests: new Counter({
      name: 'biwa_http_requests_total',
      help: 'Requests that were answered.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    seconds: new Histogram({
      name: 'biwa_http_request_duration_seconds',
      help: 'From the head of a request to the end of its answer.',
      labelNames: ['method', 'route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    ingestRequests: new Counter({
      name: 'biwa_ingest_requests_total',
      help: 'Bodies that were sent to tables, by what came of them: accepted, or the code of the error.',
      labelNames: ['door', 'outcome'],
      registers,
    }),
    ingestBytes: new Counter({
      name: 'biwa_ingest_bytes_total',
      help: 'Bytes of the bodies that were accepted, as they were sent.',
      labelNames: ['door'],
      registers,
    }),
  }
}

/** The gauges of the job queue, and what fills them. While the database is away they have no samples. */
function jobGauges(registers: Registry[], jobs: Pick<Jobs, 'depth'>, log: Logger): () => Promise<void> {
  const labelNames = ['kind', 'state'] as const
  const counts = new Gauge({ name: 'biwa_jobs', help: 'Waiting and running jobs.', labelNames, registers })
  const ages = new Gauge({
    name: 'biwa_jobs_oldest_seconds',
    help: 'The age of the oldest waiting or running job.',
    labelNames,
    registers,
  })
  return async () => {
    counts.reset()
    ages.reset()
    try {
      for (const { kind, state, count, oldestSeconds } of await jobs.depth()) {
        counts.set({ kind, state }, count)
        ages.set({ kind, state }, oldestSeconds)
      }
    } catch (error) {
      log.warn({ err: error }, 'the depth of the job queue is not known')
    }
  }
}
