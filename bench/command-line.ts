import { resolve } from 'node:path'

import { catalogue } from './catalogue.ts'
import type { Benchmark } from './catalogue.ts'
import { Options } from './options.ts'

/** What is asked for. */
export interface Asked {
  readonly names: readonly string[]
  /** Of benchmarks, as they were given. */
  readonly options: Readonly<Record<string, string>>
  readonly quick: boolean
  readonly json: boolean
  readonly help: boolean
  /** Where the page goes. */
  readonly report: string | undefined
}

const ownFlags = new Set(['quick', 'json', 'help', 'report'])
const reportPath = resolve(import.meta.dirname, 'report.html')

/** Fails on words that nothing is known by: a benchmark that ignores one measures something else than what was asked for. */
export function askedOf(words: readonly string[]): Asked {
  const flags = new Map(
    words
      .filter((word) => word.startsWith('--'))
      .map((word) => [word.slice(2).split('=')[0] ?? '', word.includes('=') ? word.slice(word.indexOf('=') + 1) : '']),
  )
  const given = words.filter((word) => !word.startsWith('--'))
  const names = given.includes('all') ? Object.keys(catalogue) : given
  const unknown = names.find((name) => catalogue[name] === undefined)
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${Object.keys(catalogue).join(', ')}, all`)
  const options = Object.fromEntries([...flags].filter(([name]) => !ownFlags.has(name)))
  for (const option of Object.keys(options)) {
    if (names.some((name) => catalogue[name]?.options[option] !== undefined)) continue
    throw new Error(`--${option} is no option of ${names.join(', ')}; --help lists them`)
  }
  const report = flags.get('report')
  return {
    names,
    options,
    quick: flags.has('quick'),
    json: flags.has('json'),
    help: flags.has('help'),
    report: report === '' ? reportPath : report,
  }
}

/** What holds for a benchmark: what was given, before what `--quick` says, before what it does by itself. */
export function optionsOf({ options, quick }: Benchmark, asked: Asked): Options {
  const values = Object.entries(options).map(([name, { fallback }]) => {
    return [name, asked.options[name] ?? (asked.quick ? quick[name] : undefined) ?? fallback]
  })
  return new Options(Object.fromEntries(values) as Record<string, string | undefined>)
}

/** What a process that runs one of them is started with. */
export function wordsFor(name: string, asked: Asked): string[] {
  const known = Object.entries(asked.options).filter(([option]) => catalogue[name]?.options[option] !== undefined)
  return [name, ...(asked.quick ? ['--quick'] : []), ...known.map(([option, value]) => `--${option}=${value}`)]
}
