import type { Access } from '../access/access.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { AppError } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { Store } from '../store/store.ts'
import { Admission, admissionLimitsDefault } from './admission.ts'
import type { AdmissionLimits } from './admission.ts'
import type { Collect } from './collect.ts'
import type { FrameGroup } from './frame-group.ts'
import { HandOver } from './hand-over.ts'
import { openFrameSource } from './inbox/frame-source.ts'
import type { Inbox, Leftover } from './inbox/inbox.ts'
import { Intake } from './intake.ts'
import { quarantineBodies } from './keep-bodies.ts'

export interface CollectOptions extends Partial<AdmissionLimits> {
  readonly access: Access
  readonly jobs: Jobs
  readonly store: Store
  readonly objects: ObjectStore
  readonly postgres: Postgres
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Logger
  /** Of this process alone. Started and stopped with collect. */
  readonly inbox: Inbox
  /** Where the files of the inbox lie, if it is on this machine's disk. */
  readonly inboxDirectory: string
}

/** How long to wait before something is done again that failed. */
const retryMs = 1000

/**
 * The intake: a body goes into the inbox and is acknowledged; a job of kind `import` converts it; then the inbox forgets
 * it. What an intake before this one left behind is handed over behind the scenes, while new bodies come in.
 */
export function openCollect(options: CollectOptions): Collect {
  const { access, objects, inbox, clock, log } = options
  const admission = new Admission({ ...admissionLimitsDefault, ...options }, clock)
  const handOver = new HandOver({
    onDone(group, before) {
      inbox.settle(group.segment, group.frames, before)
      admission.settleBacklog(group.accountId, group.bytes)
    },
    async onFailed(group, error) {
      log.error({ segment: group.segment, spans: group.spans, error }, 'bodies that no job can import were quarantined')
      await keepFailed(options, group, error)
    },
    ...options,
  })
  const intake = new Intake({ access, inbox, admission, handOver, clock })
  const stopping = new AbortController()
  let adopting: Promise<void> | undefined

  /** Bytes that were damaged belong to nobody any more who could be named; an operator may still want them. */
  async function keepDamaged({ segment, damaged }: Leftover): Promise<void> {
    for (const { from, bytes } of damaged) {
      const key = `quarantine/damaged/${segment.id}-${from}`
      log.error({ segment, from, bytes: bytes.byteLength, key }, 'acknowledged bytes of the inbox were damaged')
      await objects.put(key, bytes)
    }
  }

  async function adoptLeftovers(): Promise<void> {
    for await (const leftover of inbox.leftovers()) {
      while (!stopping.signal.aborted) {
        try {
          await keepDamaged(leftover)
          break
        } catch (error) {
          log.warn({ err: error }, 'damaged bytes could not be kept; it is tried again')
          await clock.sleep(retryMs, stopping.signal)
        }
      }
      for (const place of leftover.frames) {
        admission.addBacklog(place.accountId, place.to - place.from)
        handOver.add(place)
      }
      await handOver.hasRoom()
    }
  }

  return {
    name: 'collect',
    async start() {
      await inbox.start()
      handOver.start()
      adopting = adoptLeftovers()
    },
    awaitRoom: (principal, database, bytes) => intake.awaitRoom(principal, database, bytes),
    accept: (request) => intake.accept(request),
    acceptAndWait: (request, timeoutMs) => intake.acceptAndWait(request, timeoutMs),
    async drain() {
      intake.close()
      await inbox.drain?.()
      await handOver.drain()
    },
    async stop() {
      intake.close()
      stopping.abort()
      await handOver.stop()
      await inbox.stop()
      await adopting
    },
  }
}

/** What a sender sees of a body that was given up: it is in the quarantine, under the reason for which the job ended. */
async function keepFailed(options: CollectOptions, group: FrameGroup, error: ErrorRecord): Promise<void> {
  const { segment, accountId, spans } = group
  const source = await openFrameSource(segment, { directory: options.inboxDirectory, ...options })
  if (source === undefined) return group.tellAll(AppError.fromRecord(error))
  try {
    await quarantineBodies(options, source, { segment, accountId, spans }, error)
  } finally {
    await source.close()
  }
  group.tellAll(AppError.fromRecord(error))
}
