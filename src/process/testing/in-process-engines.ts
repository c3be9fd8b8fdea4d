import { systemClock } from '../../base/clock.ts'
import type { EnginePool } from '../../base/engines/engines.ts'
import { must } from '../../base/errors.ts'
import { queryEngineHandlers } from '../engines/duckdb/handlers.ts'

/** Runs the engine's tasks in this process: fast, and without anybody who would kill them. */
export function inProcessEngines(): EnginePool {
  const handlers = queryEngineHandlers(systemClock)
  return {
    name: 'engines in process',
    start: async () => {},
    stop: async () => {},
    async run<Output>(task: { kind: string; input: unknown }, limits: { onProgress?: (value: unknown) => void }) {
      const handler = must(handlers[task.kind], `a handler for ${task.kind}`)
      const context = { progress: limits.onProgress ?? (() => {}) }
      return (await handler(structuredClone(task.input) as never, context)) as Output
    },
  }
}
