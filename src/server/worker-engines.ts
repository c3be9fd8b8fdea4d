import { systemClock } from '../base/clock.ts'
import { openEnginePool } from '../base/engines/open-engine-pool.ts'
import type { EnginePoolOptions, ForkedEngines } from '../base/engines/open-engine-pool.ts'
import { seldomMarked } from '../base/fork-arguments.ts'
import { openLog } from '../base/log.ts'
import { entryOf } from '../base/project-files.ts'
import { niceness } from './process-order.ts'
import { settingsOfRole } from './role-settings.ts'

// The engine processes of the worker, in pools. The worker's entry imports this file before all others, so that the first engine starts while
// the rest of the worker's code is still loaded: queries are waited for by the millisecond, and each of the two takes a sixth of a second.

const settings = settingsOfRole()
const log = openLog(settings.logLevel, { role: 'worker' })

/** Half as many long queries at once as short ones. */
export const batchesMax = Math.ceil(settings.enginesMax / 2)

/**
 * A flood's conversions leave 400 MiB behind, most of it garbage that the next one uses again. A fresh process instead has to
 * start, and to compile its code anew, which takes longer than the conversion.
 */
const importIdleBytesMax = 768 * 2 ** 20

export const queries = enginePool('queries', settings.enginesMax)
// A worker that stands ready for another one has an engine process that does as well.
queries.kindle()

// Long queries have places of their own, so that they keep no short one waiting; without any, nothing is kept ready for them.
export const batches = enginePool('batches', batchesMax, { warm: 0 })

export const imports = enginePool('imports', settings.enginesMax, {
  idleBytesMax: importIdleBytesMax,
  niceness: niceness.imports - niceness.worker,
  nodeFlags: seldomMarked,
})

// A merge uses all cores, as does the restating of a table; one at a time leaves queries and imports their share. Nobody waits for it.
export const merges = enginePool('merges', 1, { warm: 0, niceness: niceness.merges - niceness.worker })

function enginePool(name: string, size: number, more: Partial<EnginePoolOptions> = {}): ForkedEngines {
  const entry = entryOf('server/engine')
  return openEnginePool({ name, entry, size, clock: systemClock, log, ...more })
}
