#!/usr/bin/env node
import { homedir } from 'node:os'

import { systemClock } from '../base/clock.ts'
import { errno } from '../base/disk.ts'
import { systemRandomness } from '../base/randomness.ts'
import { run } from './run.ts'

// Whoever reads the output has seen enough, as `head` has: that is no failure.
process.stdout.on('error', (error) => process.exit(errno(error) === 'EPIPE' ? 0 : 1))

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  workingDirectory: process.cwd(),
  homeDirectory: homedir(),
  clock: systemClock,
  randomness: systemRandomness,
  onInterrupt(handler) {
    process.on('SIGINT', handler)
    return () => void process.off('SIGINT', handler)
  },
})
