import { must } from '../../errors.ts'
import type { EngineHandler, EnginePool } from '../engines.ts'

/** Runs the engine's tasks in this process: fast, and without anybody who would kill them. */
export function inProcessEngines(handlers: Readonly<Record<string, EngineHandler>>): EnginePool {
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
