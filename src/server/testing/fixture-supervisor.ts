import { systemClock } from '../../base/clock.ts'
import { openLog } from '../../base/log.ts'
import { drainServices, listenForStopSignals, startServices, stopServices } from '../life-cycle.ts'
import { SupervisedRole } from '../supervisor.ts'

// A supervisor of two roles in the manner of MANNER, which reports their ids, also after each renewal, and when it was asked to stop.
const log = openLog('silent')
const entry = new URL('fixture-role.ts', import.meta.url)
const limits = { drainMsMax: 600_000, stopMsMax: 500 }
const roles = ['worker', 'api'].map((name) => new SupervisedRole({ name, entry, ...limits }, systemClock, log))
const signals = listenForStopSignals()
const report = () => process.send?.(roles.map((role) => role.pid))
signals.asked.addEventListener('abort', () => process.send?.('asked'))
try {
  await startServices(roles, signals.asked)
  report()
  while (await signals.renewal()) {
    for (const role of roles) await role.renew()
    report()
  }
  await drainServices(roles, log, signals.insisted)
  await stopServices(roles, log)
  process.exit(0)
} catch {
  process.exit(1)
}
