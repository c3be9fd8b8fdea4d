import { setTimeout } from 'node:timers/promises'

import { AppError } from '../../errors.ts'
import { serveEngine } from '../serve-engine.ts'

// Everything that an engine can do to its pool.
serveEngine({
  async echo(input: unknown, { progress }) {
    progress('half')
    return { input, pid: process.pid }
  },
  async fail() {
    throw new AppError('query_syntax', 'There is no such word.', {
      hint: 'Spell it.',
      position: { line: 2, column: 3 },
    })
  },
  async stumble() {
    throw new TypeError('a bug of the handler')
  },
  async unclonable() {
    return () => {}
  },
  async abort() {
    process.abort()
  },
  async leave() {
    process.exit(7)
  },
  async sleep(ms: number) {
    await setTimeout(ms)
    return process.pid
  },
  async block(_: unknown, { progress }) {
    progress(process.pid)
    // The message leaves with the next turn of the event loop, the last one there is.
    await setTimeout(50)
    while (true) Math.sqrt(2)
  },
  async devour(bytes: number) {
    const held: Buffer[] = []
    for (let total = 0; total < bytes; total += 1 << 24) {
      held.push(Buffer.alloc(1 << 24, 1))
      await setTimeout(2)
    }
    return held.length
  },
})
