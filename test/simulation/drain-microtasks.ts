import { setFlagsFromString } from 'node:v8'

/**
 * Runs everything that promises have made ready, at once. A turn of the event loop would do the same in ten times the time, and
 * a world has thousands of them. Node has no public call for it; V8's own is reached by its syntax for natives, which is
 * switched on for this one function. It does nothing inside of a microtask: worlds run in a macrotask of their own.
 */
export const drainMicrotasks: () => void = compile()

function compile(): () => void {
  setFlagsFromString('--allow-natives-syntax')
  // oxlint-disable-next-line typescript/no-implied-eval -- TypeScript cannot parse the syntax.
  const drain = new Function('%PerformMicrotaskCheckpoint()') as () => void
  // Compiled when it is first called, and only then is the syntax needed.
  drain()
  setFlagsFromString('--no-allow-natives-syntax')
  return drain
}

/** Runs the body in a macrotask, where `drainMicrotasks` works. */
export function inMacrotask<T>(body: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(body())
      } catch (error) {
        reject(error)
      }
    })
  })
}
