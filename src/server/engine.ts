import { systemClock } from '../base/clock.ts'
import { serveEngine } from '../base/engines/serve-engine.ts'
import { formatTask } from '../deliver/format-input.ts'
import { formatResult } from '../deliver/format-task.ts'
import { queryEngineHandlers } from '../process/engines/duckdb/handlers.ts'

/** The entry of the engine processes: the only place where DuckDB runs. */
serveEngine({ ...queryEngineHandlers(systemClock), [formatTask]: formatResult })
