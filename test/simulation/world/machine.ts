import type { Access } from '../../../src/access/access.ts'
import type { Clock } from '../../../src/base/clock.ts'
import type { Disk } from '../../../src/base/disk.ts'
import type { Logger } from '../../../src/base/log.ts'
import { openDirectoryStore } from '../../../src/base/objects/directory-store.ts'
import type { ObjectStore } from '../../../src/base/objects/objects.ts'
import { steadyStore } from '../../../src/base/objects/steady-store.ts'
import type { Postgres } from '../../../src/base/postgres/postgres.ts'
import type { Collect } from '../../../src/collect/collect.ts'
import { importJob } from '../../../src/collect/import-job.ts'
import { openDirectoryInbox } from '../../../src/collect/inbox/directory-inbox.ts'
import { openCollect } from '../../../src/collect/open-collect.ts'
import { openJobRunner } from '../../../src/jobs/job-runner.ts'
import { openJobs } from '../../../src/jobs/open-jobs.ts'
import { Housekeeping } from '../../../src/server/housekeeping.ts'
import { mergeJob, mergeKind } from '../../../src/store/merge/merge-job.ts'
import { findSettledTables, submitMerges } from '../../../src/store/merge/request-merges.ts'
import { openStore } from '../../../src/store/open-store.ts'
import { diskOver } from '../../support/disk-image.ts'
import type { DiskImage, Turn } from '../../support/disk-image.ts'
import { connect } from '../database/connection.ts'
import type { Wire } from '../database/connection.ts'
import { directPostgres } from '../database/direct-postgres.ts'
import type { ModelServer } from '../database/server.ts'
import type { Sabotage } from '../planted-bugs.ts'
import { simulatedClock } from '../simulated-clock.ts'
import { simulatedEngines } from '../simulated-engines.ts'
import { simulatedObjects } from '../simulated-objects.ts'
import type { Bucket } from '../simulated-objects.ts'
import { Life } from '../timeline.ts'
import type { Timeline } from '../timeline.ts'
import type { Faults } from './faults.ts'
import type { Plan, Role } from './plan.ts'
import type { Situations } from './situations.ts'

/** For so long the files of removed chunks stay: short, so that worlds need not be long. */
export const graceSeconds = 3

const leaseMs = 3000
const segmentBytes = 8192
const restartMs = 150
/** Before the statement can have been answered. */
const killedAfterMs = 0.09
const silenceMsMax = 1000

export const objectsRoot = '/objects'

export interface MachineOptions {
  readonly plan: Plan
  readonly timeline: Timeline
  readonly image: DiskImage
  readonly bucket: Bucket
  readonly server: ModelServer
  readonly faults: Faults
  readonly sabotage: Sabotage
  readonly log: Logger
  readonly trace: ((line: string) => void) | undefined
  readonly situations: Situations | undefined
}

/** What each process of the product is given. */
interface Ports {
  readonly life: Life
  readonly clock: Clock
  readonly disk: Disk
  readonly postgres: Postgres
  readonly objects: ObjectStore
  readonly log: Logger
}

/** One machine, with the product's processes on it: made of the product's own parts, as its roles put them together. */
export class Machine {
  readonly #options: MachineOptions
  readonly #lives = new Map<Role, Life>()
  #boots = 0
  /** The door of the api process that runs, and has started. */
  collect: Collect | undefined

  constructor(options: MachineOptions) {
    this.#options = options
  }

  get roles(): Role[] {
    const { workers, hasScheduler } = this.#options.plan
    const roles: Role[] = ['api', 'worker 1']
    if (workers === 2) roles.push('worker 2')
    if (hasScheduler) roles.push('scheduler')
    return roles
  }

  bootAll(): void {
    for (const role of this.roles) this.#boot(role)
  }

  /** Ends a process as `kill -9` does, for some cause; its supervisor starts it again. */
  kill(role: Role, cause: string): void {
    const { timeline, faults } = this.#options
    const life = this.#lives.get(role)
    if (life === undefined || !life.alive) return
    this.#noteCalls(cause, life)
    timeline.kill(life, () => faults.mayArrive())
    if (role === 'api') this.collect = undefined
    timeline.after(restartMs, undefined, () => this.#boot(role))
  }

  freeze(role: Role, forMs: number): void {
    const life = this.#lives.get(role)
    if (life === undefined) return
    this.#noteCalls('freeze', life)
    life.frozenUntilMs = this.#options.timeline.nowMs + forMs
  }

  /** The whole machine sleeps. */
  sleep(forMs: number): void {
    this.#noteCalls('sleep')
    this.#options.timeline.leap(forMs)
  }

  thaw(): void {
    for (const life of this.#lives.values()) life.frozenUntilMs = 0
  }

  /** Forgets its processes. */
  clear(): void {
    this.#lives.clear()
    this.collect = undefined
  }

  /** Asks for the merges of each table twice at once. Only one may do each; the other has to see that it came too late. */
  askForMerges(tableIds: readonly number[]): void {
    const { server, timeline, log } = this.#options
    const life = new Life('somebody')
    const postgres = directPostgres(server, life.name)
    const jobs = openJobs({ postgres, clock: simulatedClock(timeline, life), log })
    const merges = tableIds.map((tableId) => ({ accountId: tableId, kind: mergeKind, input: { tableId } }))
    void jobs.submitAll([...merges, ...merges])
  }

  /** Counts the calls in the middle of which something happens. */
  #noteCalls(what: string, life?: Life): void {
    const { timeline, situations } = this.#options
    if (situations === undefined) return
    for (const call of timeline.callsUnderWay(life)) situations.note(`${what} inside ${call}`)
  }

  #boot(role: Role): void {
    const { timeline, trace } = this.#options
    const life = new Life(`${role} (${++this.#boots})`)
    this.#lives.set(role, life)
    trace?.(`${life.name} starts`)
    this.#start(role, life).catch((error: unknown) => {
      trace?.(`${life.name} cannot start: ${String(error)}`)
      if (!life.alive) return
      timeline.kill(life, () => false)
      timeline.after(restartMs, undefined, () => this.#boot(role))
    })
  }

  async #start(role: Role, life: Life): Promise<void> {
    const ports = await this.#portsOf(role, life)
    if (role === 'api') this.collect = await this.#startApi(ports)
    else if (role === 'scheduler') await this.#startScheduler(ports)
    else await this.#startWorker(ports)
  }

  async #portsOf(role: Role, life: Life): Promise<Ports> {
    const { plan, timeline, image, bucket, server, faults, sabotage, log, trace, situations } = this.#options
    const clock = simulatedClock(timeline, life)
    const { randomness } = faults
    const turn: Turn = (call) => timeline.turn(faults.diskMs(), life, call)
    const disk = sabotage.disk?.(diskOver(image, turn)) ?? diskOver(image, turn)
    const { databaseWire } = faults
    const wire: Wire = {
      delayMs: () => databaseWire.delayMs(),
      fate: () => {
        if (faults.killsAsker()) timeline.after(killedAfterMs, life, () => this.kill(role, 'kill'))
        return databaseWire.fate()
      },
    }
    const connection = connect({ server, timeline, life, wire, trace, situations })
    const driver = plan.isBucket
      ? simulatedObjects({ bucket, timeline, life, wire: faults.objectsWire, image, situations })
      : await openDirectoryStore({ root: objectsRoot, disk, clock, randomness })
    const steady = steadyStore(sabotage.driver?.(driver) ?? driver, {
      disk,
      clock,
      randomness,
      log,
      silenceMsMax,
      attemptsMax: 4,
    })
    const postgres = sabotage.postgres?.(connection, server, life) ?? connection
    return { life, clock, disk, postgres, objects: steady, log }
  }

  async #startApi(ports: Ports): Promise<Collect> {
    const { faults, sabotage } = this.#options
    const { randomness } = faults
    const inboxDirectory = '/inbox'
    const hold = async () => ({ release: async () => {} })
    const inbox = openDirectoryInbox({ randomness, directory: inboxDirectory, segmentBytes, hold, ...ports })
    const jobs = openJobs(ports)
    const collect = openCollect({
      access: everybodyMay,
      jobs: sabotage.jobs?.(jobs) ?? jobs,
      store: this.#store(ports),
      inbox: sabotage.inbox?.(inbox) ?? inbox,
      inboxDirectory,
      ...ports,
    })
    await jobs.start()
    await collect.start()
    return collect
  }

  async #startWorker(ports: Ports): Promise<void> {
    const { timeline, image, faults } = this.#options
    const { life } = ports
    const engines = simulatedEngines({
      timeline,
      life,
      image,
      taskMs: () => faults.taskMs(),
      dies: () => faults.engineDies(),
    })
    const tools = { store: this.#store(ports), engines, scratchDirectory: `/scratch/${life.name}`, ...ports }
    const limits = { memoryBytes: 1, temporaryBytes: 1, threads: 1, residentBytesMax: 1, timeoutMs: 60_000 }
    const kinds = [
      importJob({ inboxDirectory: '/inbox', concurrency: 2, ...tools }),
      mergeJob({ limits, concurrency: 2, ...tools }),
    ]
    const { randomness } = faults
    await openJobRunner({ randomness, owner: life.name, kinds, leaseMs, ...ports }).start()
  }

  async #startScheduler(ports: Ports): Promise<void> {
    const { postgres, clock, log } = ports
    const jobs = openJobs(ports)
    const store = this.#store(ports)
    const chores = [
      { name: 'submit merges', everyMs: 1000, perform: () => submitMerges({ postgres, jobs }) },
      { name: 'find hours to archive', everyMs: 1000, perform: () => findSettledTables({ postgres, clock }) },
      { name: 'sweep', everyMs: 1000, perform: () => store.sweep() },
    ]
    await new Housekeeping(chores, clock, log).start()
  }

  #store(ports: Ports) {
    const { faults, sabotage } = this.#options
    const { randomness } = faults
    const removalGraceSeconds = sabotage.graceSeconds ?? graceSeconds
    const store = openStore({ randomness, removalGraceSeconds, ...ports })
    return sabotage.store?.(store) ?? store
  }
}

/** Whether somebody may is asked before anything of the commit path begins. */
const everybodyMay = { require: async () => {} } as unknown as Access
