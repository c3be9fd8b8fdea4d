import { systemClock } from '../../base/clock.ts'
import type { EnginePool } from '../../base/engines/engines.ts'
import { inProcessEngines as withHandlers } from '../../base/engines/testing/in-process-engines.ts'
import { queryEngineHandlers } from '../engines/duckdb/handlers.ts'

/** Runs the engine's tasks in this process: fast, and without anybody who would kill them. */
export function inProcessEngines(): EnginePool {
  return withHandlers(queryEngineHandlers(systemClock))
}
