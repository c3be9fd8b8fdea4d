import { systemClock } from '../base/clock.ts'
import { openDataDirectory } from '../base/data-directory.ts'
import { systemDisk } from '../base/disk.ts'
import { isAppError } from '../base/errors.ts'
import { seldomMarked } from '../base/fork-arguments.ts'
import { openLog } from '../base/log.ts'
import type { Logger } from '../base/log.ts'
import { EmbeddedPostgres } from '../base/postgres/embedded.ts'
import { entryOf } from '../base/project-files.ts'
import { systemRandomness } from '../base/randomness.ts'
import type { Service } from '../base/service.ts'
import { readSettings } from '../base/settings.ts'
import type { SettingName, Settings } from '../base/settings.ts'
import { drainLine, readyLines } from './announce.ts'
import { readCredentials, writeCredentials } from './credentials.ts'
import {
  drainServices,
  inTurn,
  listenForStopSignals,
  startServices,
  stopServices,
  together,
  unlessAborted,
} from './life-cycle.ts'
import { requireFreePorts } from './free-ports.ts'
import { prepareDatabase } from './prepare-database.ts'
import { openObjects, pathsOf } from './platform.ts'
import { endPredecessors, findPredecessors } from './predecessors.ts'
import { renewRoles } from './renew-roles.ts'
import { niceness } from './process-order.ts'
import { settingsForRoles } from './role-settings.ts'
import { loadSample } from './sample.ts'
import { SupervisedRole } from './supervisor.ts'

/**
 * `biwa serve`: the supervisor. Reads top to bottom as the boot order: data directory, what another supervisor left in it, ports, PostgreSQL, schema, object store,
 * roles, sample. Fails with `startup`, in one sentence, when it cannot start; returns when it was asked to stop.
 */
export async function serve(flags: Readonly<Partial<Record<SettingName, string>>>): Promise<void> {
  const startedMs = systemClock.monotonicMs()
  const settings = readSettings(flags, process.env)
  const log = openLog(settings.logLevel, { role: 'supervisor' })
  const signals = listenForStopSignals()
  const directory = await openDataDirectory(settings.dataDirectory)
  const running: Service[] = []
  const left = await findPredecessors({ disk: systemDisk, directory: pathsOf(directory.path).roles, log })
  try {
    // What serves on keeps its ports until it is replaced. Should another one be wanted now that is taken, the new process says so.
    if (!left.has('api')) await requireFreePorts(settings, systemClock)
    const postgres = settings.databaseUrl === '' ? embedded(directory.path, log) : undefined
    if (postgres !== undefined) {
      running.push(postgres)
      await unlessAborted(postgres.open(), signals.asked)
    }
    const complete = { ...settings, dataDirectory: directory.path, databaseUrl: postgres?.url ?? settings.databaseUrl }
    const roles = complete.roles.toReversed().map((role) => roleProcess(role, complete, left.get(role) ?? [], log))
    // Nobody succeeds those of a role that is not wanted any more.
    const unwanted = [...left].filter(([role]) => !roles.some(({ name }) => name === role))
    await endPredecessors(
      unwanted.flatMap(([, names]) => names),
      systemClock,
    )
    // Nobody waits for the scheduler, and to start it beside the others would take the processors from them.
    const [waitedFor, later] = [roles.filter(isWaitedFor), roles.filter((role) => !isWaitedFor(role))]
    // They load their code while PostgreSQL starts, that of the doors first. Where the doors of before serve on, the worker is replaced before them
    // instead: a new process is slow at first, and two at once would make the same request wait twice.
    const isServed = left.has('api')
    const serving = isServed ? inTurn(waitedFor, turnMsMax, systemClock) : together(waitedFor)
    for (const role of isServed ? waitedFor.slice(0, 1) : waitedFor.toReversed()) role.load()
    running.push(together(roles))
    if (postgres !== undefined) await startServices([postgres], signals.asked)
    const made = await prepareDatabase(complete, log, signals.asked)
    await (await openObjects(complete, log)).check()
    await startServices([serving, together(later)], signals.asked)
    // Drained in the reverse order: the port is free for a successor while long jobs of the worker still finish.
    running.push(...roles)
    const { url: address, fluentPort: forwardPort } = announcedBy(roles)
    if (address !== undefined) {
      const apiKey = made?.key ?? (await readCredentials(directory.path))?.apiKey
      await writeCredentials(ports, directory.path, { url: address, apiKey })
      const withSample = complete.sample && apiKey !== undefined && (await sampleLoaded(address, apiKey, log))
      const seconds = (systemClock.monotonicMs() - startedMs) / 1000
      const firstStart = made !== undefined
      const { dataDirectory } = settings
      print(readyLines({ url: address, apiKey, firstStart, dataDirectory, withSample, forwardPort, seconds }))
    } else {
      print(`Biwa is ready: ${complete.roles.join(' and ')}.\n\nCtrl-C stops everything.\n`)
    }
    while (await signals.renewal()) await renewRoles(roles, complete, log)
    // The other signals end it soon, or come of a terminal that is closed and cannot be written to.
    if (signals.asked.reason === 'SIGTERM') print(drainLine)
    await drainServices(running, log, signals.insisted)
  } catch (error) {
    // Asked to stop while it started: that is an end like any other.
    if (!isAppError(error, 'shutting_down')) throw error
  } finally {
    await stopServices(running, log)
    // Who asked for the end means those, too, that nobody has replaced yet.
    if (signals.asked.aborted) await endPredecessors([...left.values()].flat(), systemClock)
    await directory.release()
  }
}

/** The doors of before end twenty seconds after their supervisor (`base/orphan-watch.ts`): a worker that does not become ready must not keep the new ones from being there by then. */
const turnMsMax = 8000

const ports = { disk: systemDisk, clock: systemClock, randomness: systemRandomness }

function embedded(dataDirectory: string, log: Logger): EmbeddedPostgres {
  return new EmbeddedPostgres({ dataDirectory, clock: systemClock, log })
}

function roleProcess(
  name: Settings['roles'][number],
  settings: Settings,
  predecessors: string[],
  log: Logger,
): SupervisedRole {
  const entry = entryOf(`server/roles/${name}`)
  const environment = settingsForRoles(settings)
  const manner = {
    api: {
      // Of an inbox there is one writer.
      alone: true,
      keepsSpare: settings.spares,
      nodeFlags: seldomMarked,
    },
    worker: {
      keepsSpare: settings.spares,
      drainMsMax: settings.drainSeconds * 1000,
      stopMsMax: 10_000,
      nodeFlags: seldomMarked,
    },
    scheduler: {},
  }[name]
  return new SupervisedRole(
    { name, entry, environment, niceness: niceness[name], predecessors, ...manner },
    systemClock,
    log,
  )
}

function isWaitedFor({ name }: SupervisedRole): boolean {
  return name !== 'scheduler'
}

/** What the api role announced; nothing where this supervisor runs none. */
function announcedBy(roles: readonly SupervisedRole[]): { readonly url?: string; readonly fluentPort?: number } {
  return roles.find((role) => role.name === 'api')?.announced ?? {}
}

/** A sample that does not load is a pity, and no reason not to serve. */
async function sampleLoaded(url: string, apiKey: string, log: Logger): Promise<boolean> {
  try {
    await loadSample(url, apiKey)
    return true
  } catch (error) {
    log.warn({ err: error }, 'the sample data set was not loaded')
    return false
  }
}

function print(text: string): void {
  process.stdout.write(text)
}
