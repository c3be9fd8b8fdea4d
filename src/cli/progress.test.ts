import { expect, test } from 'vitest'

import { bytesText, countText, secondsText } from './amounts.ts'
import { Progress } from './progress.ts'
import { FakeClock, fakeTerminal } from './testing/fake-terminal.ts'

/** A clock whose appointments a test keeps by hand. */
class Appointments extends FakeClock {
  readonly tasks: { ms: number; task: () => void }[] = []

  override schedule(ms: number, task: () => void): () => void {
    const appointment = { ms, task }
    this.tasks.push(appointment)
    return () => void this.tasks.splice(this.tasks.indexOf(appointment), 1)
  }

  next(): void {
    this.tasks.shift()?.task()
  }
}

test('writes a plain line every five seconds where nobody watches', () => {
  const clock = new Appointments()
  const terminal = { ...fakeTerminal(), clock }
  let done = 0
  const progress = new Progress(terminal, () => ({ text: `${++done} done`, fraction: 0.5 }))
  progress.start()
  expect(clock.tasks[0]?.ms).toBe(5000)
  clock.next()
  clock.next()
  expect(terminal.errors()).toBe('1 done\n2 done\n')
  progress.stop()
  expect(clock.tasks).toEqual([])
  expect(terminal.output()).toBe('')
})

test('draws a bar on a terminal, and leaves nothing of it behind', async () => {
  const clock = new Appointments()
  const terminal = { ...fakeTerminal({ interactive: true }), clock }
  const progress = new Progress(terminal, () => ({ text: 'half', fraction: 0.5 }))
  progress.start()
  expect(terminal.errors()).toBe('')
  clock.next()
  // The bar is loaded only when it is needed.
  while (clock.tasks.length === 0) await new Promise((resolve) => setImmediate(resolve))
  expect(clock.tasks[0]?.ms).toBe(100)
  progress.stop()
  expect(terminal.errors()).toContain('half')
  expect(terminal.output()).toBe('')
})

test('says amounts as people do', () => {
  expect([0, 999, 1000, 12_345_678, 5e18].map(bytesText)).toEqual(['0 B', '999 B', '1.0 kB', '12 MB', '5000 PB'])
  expect([countText(1, 'row'), countText(1234, 'row')]).toEqual(['1 row', '1,234 rows'])
  expect([0.25, 1.25, 59, 61, 3700].map(secondsText)).toEqual(['250 ms', '1.3 s', '59 s', '1 min 1 s', '1 h 1 min'])
})
