import { Worker } from 'node:worker_threads'

/**
 * For so long what serves goes on when its supervisor is gone, waiting for another one. Service managers start a server again within seconds, a busy machine takes
 * up to ten for it, and whoever killed it on purpose is rid of it soon.
 */
export const orphanSeconds = 20

/**
 * Ends this process within a second after its parent is gone, even while native code blocks the event loop: a thread
 * asks for the parent's id, which changes when the parent dies. Plain JavaScript, so that no loader runs for it.
 */
export function endWithParent(): void {
  const watch = new Worker(threadSource, {
    eval: true,
    execArgv: [],
    env: {},
    workerData: process.ppid,
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  })
  watch.unref()
}

const threadSource = `
  const { workerData: parent } = require('node:worker_threads')
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
  }, 500)
`
