import vm from 'node:vm'

import fc from 'fast-check'

import { AppError } from '../../src/base/errors.ts'
import { BrokenFrame } from '../../src/protocols/fluent/frame.ts'

// Every decoder that meets bytes of strangers is fed with what clients really send and with what became of it. Whatever comes, they
// answer or fail as they are meant to; none of them runs on for ever. It takes a minute in all, in two files beside each other;
// `BIWA_FUZZ_MINUTES=60` goes on for an hour. A failure prints the seed and the bytes.

/** Tests that run until their time is up, in all files. */
const decoders = 8
const eachMs = (Number(process.env['BIWA_FUZZ_MINUTES'] ?? 1) * 60_000) / decoders

/** What takes longer for a few kilobytes does not end. V8 ends it, so that the test can tell of which bytes. */
const hangMs = 20_000
const context = vm.createContext({ work: undefined as unknown })
const call = new vm.Script('work()')

export function bounded<T>(work: () => T): T {
  context['work'] = work
  return call.runInContext(context, { timeout: hangMs }) as T
}

/** An expected failure is as good as an answer. */
export function answersOrRefuses(work: () => void): void {
  try {
    bounded(work)
  } catch (error) {
    if (!(error instanceof AppError) && !(error instanceof BrokenFrame)) throw error
  }
}

export const untilTimeIsUp = {
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: eachMs,
  markInterruptAsFailure: false,
} as const

export function fuzz(bytes: fc.Arbitrary<Buffer>, check: (bytes: Buffer) => void): void {
  fc.assert(fc.property(bytes, check), untilTimeIsUp)
}

export const timeout = eachMs + hangMs + 180_000
