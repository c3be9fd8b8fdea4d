import { fork } from 'node:child_process'
import { loadavg } from 'node:os'
import { resolve } from 'node:path'

import { z } from 'zod'

import { catalogue } from './catalogue.ts'
import { wordsFor } from './command-line.ts'
import type { Asked } from './command-line.ts'
import { commit, describeMachine } from './machine.ts'
import { sectionShape } from './outcome.ts'
import type { BenchmarkReport, Report } from './report/report.ts'

const outcomeShape = z.object({ figures: z.unknown(), sections: z.array(sectionShape) })

/**
 * Runs benchmarks one after the other, each in a process of its own: none finds what another left in memory, and the next is
 * measured where one fails. What they print goes to standard error, between lines that say how far all of it is.
 */
export async function runEach(asked: Asked): Promise<Report> {
  const machine = await describeMachine()
  const startedAt = new Date()
  const benchmarks: BenchmarkReport[] = []
  for (const [index, name] of asked.names.entries()) {
    console.error(`\n[${index + 1}/${asked.names.length}] ${name}: ${catalogue[name]?.summary ?? ''}`)
    const report = await runOne(name, asked)
    benchmarks.push(report)
    const end = 'error' in report ? `failed: ${report.error}` : 'done'
    console.error(`[${index + 1}/${asked.names.length}] ${name}: ${end} after ${Math.round(report.seconds)} s`)
  }
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ')
  return { machine, commit: commit(), command, startedAt: startedAt.toISOString(), benchmarks }
}

async function runOne(name: string, asked: Asked): Promise<BenchmarkReport> {
  const words = wordsFor(name, asked)
  const about = {
    name,
    summary: catalogue[name]?.summary ?? '',
    command: ['npm run bench --', ...words].join(' '),
    loadBefore: loadavg()[0] ?? 0,
  }
  const startMs = performance.now()
  const seconds = (): number => (performance.now() - startMs) / 1000
  try {
    const outcome = outcomeShape.parse(await outcomeOf(words))
    return { ...about, seconds: seconds(), figures: outcome.figures, sections: outcome.sections }
  } catch (error) {
    return { ...about, seconds: seconds(), error: error instanceof Error ? error.message : String(error) }
  }
}

async function outcomeOf(words: readonly string[]): Promise<unknown> {
  const child = fork(resolve(import.meta.dirname, 'main.ts'), words, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
  })
  let outcome: unknown
  child.once('message', (message) => {
    outcome = message
    // An open channel would keep it from ending.
    child.disconnect()
  })
  const code = await new Promise<number | null>((resolveExit) => child.once('exit', resolveExit))
  if (outcome === undefined || code !== 0) throw new Error(`it ended with ${code}; what it printed says why`)
  return outcome
}
