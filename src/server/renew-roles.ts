import type { Logger } from '../base/log.ts'
import type { Settings } from '../base/settings.ts'
import { renewalLine } from './announce.ts'
import { prepareDatabase } from './prepare-database.ts'
import type { SupervisedRole } from './supervisor.ts'

/**
 * A rolling restart: new migrations are applied, and one role after the other gets a process on the code that is on disk
 * now. Workers come first: those that run go on and finish their jobs while the new ones take what comes. Where new code
 * does not start, the roles that are left go on as they are.
 */
export async function renewRoles(roles: readonly SupervisedRole[], settings: Settings, log: Logger): Promise<void> {
  try {
    await prepareDatabase(settings, log)
    for (const role of roles) await role.renew()
    process.stdout.write(renewalLine(roles))
  } catch (error) {
    log.error({ err: error }, 'the rolling restart failed; what was not replaced runs on')
    process.stdout.write(`The rolling restart failed: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}
