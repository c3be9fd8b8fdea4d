import { diskFailed, errno } from '../disk.ts'
import { AppError, must } from '../errors.ts'
import { endWithParent } from '../orphan-watch.ts'
import type { EngineContext, EngineHandler } from './engines.ts'
import type { FromEngine, ToEngine } from './messages.ts'

/**
 * The whole life of an engine process: an entry file calls it with a handler for each kind of task. The process ends
 * when the pool that forked it closes the channel or is gone.
 */
export function serveEngine(handlers: Readonly<Record<string, EngineHandler>>): void {
  // Ctrl-C and a service manager signal the whole process group; the pool alone decides when an engine ends.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  process.on('disconnect', endAtOnce)
  if (!process.connected) endAtOnce()
  endWithParent()
  process.on('message', (message) => {
    const { kind, input } = message as ToEngine
    perform(handlers, kind, input).then(tell, reportBug)
  })
  tell({ type: 'ready' })
}

async function perform(
  handlers: Readonly<Record<string, EngineHandler>>,
  kind: string,
  input: unknown,
): Promise<FromEngine> {
  const handler = must(handlers[kind], `an engine handler for “${kind}”`)
  const context: EngineContext = { progress: (value) => tell({ type: 'progress', value }) }
  try {
    return { type: 'output', value: await handler(input as never, context) }
  } catch (error) {
    const failure = error instanceof Error && errno(error) === 'EIO' ? diskFailed(error) : error
    if (!(failure instanceof AppError)) throw error
    return { type: 'failure', error: failure.toRecord() }
  }
}

function reportBug(error: unknown): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  tell({ type: 'bug', message, stack: stack ?? '' })
}

/** A message that cannot be cloned throws here, which is a bug of the handler. */
function tell(message: FromEngine): void {
  try {
    // Whoever is gone needs no answer, and the loss of the channel ends this process.
    process.send?.(message, () => {})
  } catch (error) {
    if (message.type === 'bug') throw error
    reportBug(error)
  }
}

/** No exit handlers: they would wait for native threads that nobody waits for. */
function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL')
}
