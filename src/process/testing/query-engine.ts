import { systemClock } from '../../base/clock.ts'
import { serveEngine } from '../../base/engines/serve-engine.ts'
import { queryEngineHandlers } from '../engines/duckdb/handlers.ts'

// An engine process that serves queries alone.
serveEngine(queryEngineHandlers(systemClock))
