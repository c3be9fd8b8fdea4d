import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Service } from '../base/service.ts'
import { deleteSilentWorkers, deleteWorker, noteWorker } from './workers.sql.ts'
import type { WorkerNote } from './workers.sql.ts'

export interface WorkerRegistrationOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
  /** `name` is the owner of the runner's leases. */
  readonly worker: Omit<WorkerNote, 'state'>
}

/** Well within the minute after which a worker without a sign of life is not listed any more. */
const beatMs = 5000

/**
 * Tells everybody of this worker for as long as it lives. Nothing depends on it but what people see: leases, and not
 * these signs of life, decide whose jobs are taken over. It belongs behind the runner in the order of services, so that
 * it says `draining` before the runner begins to wait for its jobs.
 */
export function openWorkerRegistration(options: WorkerRegistrationOptions): Service {
  return new WorkerRegistration(options)
}

class WorkerRegistration implements Service {
  readonly name = 'worker-registration'
  readonly #options: WorkerRegistrationOptions
  readonly #stopping = new AbortController()
  #state: WorkerNote['state'] = 'running'
  #beating: Promise<void> | undefined

  constructor(options: WorkerRegistrationOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { postgres } = this.#options
    await deleteSilentWorkers(postgres)
    await this.#note()
    this.#beating = this.#beatUntilStopped()
  }

  async drain(): Promise<void> {
    this.#state = 'draining'
    await this.#note().catch((error: unknown) => this.#complain(error))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#beating
    if (this.#beating === undefined) return
    this.#beating = undefined
    const { postgres, worker } = this.#options
    await deleteWorker(postgres, worker.name).catch((error: unknown) => this.#complain(error))
  }

  async #beatUntilStopped(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#options.clock.sleep(beatMs, signal)
      if (!signal.aborted) await this.#note().catch((error: unknown) => this.#complain(error))
    }
  }

  async #note(): Promise<void> {
    const { postgres, worker } = this.#options
    await noteWorker(postgres, { ...worker, state: this.#state })
  }

  /** The runner warns of a database that is away; this need not do so, too. */
  #complain(error: unknown): void {
    this.#options.log.debug({ err: error }, 'the worker could not tell that it lives')
  }
}
