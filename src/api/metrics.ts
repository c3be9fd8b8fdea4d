import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client'

import type { Logger } from '../base/log.ts'
import type { Figures, ScheduleFigures } from '../jobs/figures.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { Upkeep } from '../store/upkeep.ts'
import { AnswerTimes } from './answer-times.ts'
import { IngestTally } from './ingest-tally.ts'

/** What the API counts. Labels have few values: route patterns, status codes, codes of the error catalogue. */
export interface ApiMetrics {
  /** Everything in the text format of Prometheus. */
  render(): Promise<string>
  readonly answers: AnswerTimes
  readonly ingest: IngestTally
  readonly forwardConnections: Gauge
  readonly forwardAcks: Counter
}

export interface MetricsOptions {
  readonly version: string
  readonly jobs: Pick<Jobs, 'depth'>
  readonly figures: Figures
  readonly upkeep: Pick<Upkeep, 'damage'>
  readonly log: Logger
}

export function openMetrics(options: MetricsOptions): ApiMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'biwa_build_info',
    help: '1, with the version as label.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: options.version, node: process.version }, 1)
  const fillJobGauges = jobGauges(registers, options)
  const answers = new AnswerTimes()
  const ingest = new IngestTally()
  ingest.register(registers)
  return {
    async render() {
      await fillJobGauges()
      return `${await registry.metrics()}\n${answers.render()}`
    },
    answers,
    ingest,
    forwardConnections: new Gauge({
      name: 'biwa_forward_connections',
      help: 'Open connections of Fluentd’s forward protocol.',
      registers,
    }),
    forwardAcks: new Counter({
      name: 'biwa_forward_acks_total',
      help: 'Messages of the forward protocol that were acknowledged, because they were durable and a client waited for it.',
      registers,
    }),
  }
}

/** The gauges of the job queue, and what fills them. While the database is away they have no samples. */
function jobGauges(registers: Registry[], { jobs, figures, upkeep, log }: MetricsOptions): () => Promise<void> {
  const gauge: MakeGauge = (name, help, labelNames) => new Gauge({ name, help, labelNames, registers })
  const counts = gauge('biwa_jobs', 'Waiting and running jobs.', ['kind', 'state'])
  const ages = gauge('biwa_jobs_oldest_seconds', 'The age of the oldest waiting or running job.', ['kind', 'state'])
  const dead = gauge('biwa_jobs_dead', 'Jobs that used up their attempts.', ['kind'])
  const retries = gauge('biwa_jobs_retries_recent', 'Attempts of the last 5 minutes that will be repeated.', ['cause'])
  const slots = gauge('biwa_limit_slots', 'Slots of a limit, or of all limits of a sort.', ['limit'])
  const used = gauge('biwa_limit_slots_used', 'How many of them running jobs hold.', ['limit'])
  const full = gauge('biwa_limits_full', 'Limits that have no room.', ['limit'])
  const setSchedules = scheduleGauges(gauge)
  const damaged = gauge('biwa_damaged_chunks', 'Chunks that were set aside because their files are damaged.', [])
  return async () => {
    for (const one of [counts, ages, dead, retries, slots, used, full]) one.reset()
    setSchedules(undefined)
    damaged.remove()
    try {
      const [depth, whole, damage] = await Promise.all([jobs.depth(), figures.read(), upkeep.damage()])
      damaged.set(damage.chunks)
      setSchedules(whole.schedules)
      for (const { kind, state, count, oldestSeconds } of depth) {
        counts.set({ kind, state }, count)
        ages.set({ kind, state }, oldestSeconds)
      }
      for (const { kind, count } of whole.dead) dead.set({ kind }, count)
      for (const { cause, count } of whole.retries) retries.set({ cause }, count)
      for (const { limit, ...counted } of whole.limits) {
        slots.set({ limit }, counted.slots)
        used.set({ limit }, counted.used)
        full.set({ limit }, counted.full)
      }
    } catch (error) {
      log.warn({ err: error }, 'the figures of the job queue are not known')
    }
  }
}

type MakeGauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) => Gauge<Label>

/** The gauges of schedules, and what sets them; without figures they have no samples. */
function scheduleGauges(gauge: MakeGauge): (figures: ScheduleFigures | undefined) => void {
  const schedules = gauge('biwa_schedules', 'Schedules.', ['state'])
  const fired = gauge('biwa_schedules_fired_recent', 'Scheduled times of the last 5 minutes that got jobs.', ['cause'])
  const late = gauge('biwa_schedules_late_seconds', 'For how long the schedule that waits longest has been due.', [])
  return (figures) => {
    for (const one of [schedules, fired]) one.reset()
    late.remove()
    if (figures === undefined) return
    schedules.set({ state: 'active' }, figures.active)
    schedules.set({ state: 'paused' }, figures.paused)
    late.set(figures.lateSeconds)
    for (const { cause, count } of figures.fired) fired.set({ cause }, count)
  }
}
