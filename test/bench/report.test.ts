import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { beforeAll, describe, expect, it, test } from 'vitest'

import { catalogue } from '../../bench/catalogue.ts'
import { askedOf, optionsOf, wordsFor } from '../../bench/command-line.ts'
import { must } from '../../src/base/errors.ts'
import { help } from '../../bench/help.ts'
import { renderPage } from '../../bench/report/page.ts'
import { ratiosOf } from '../../bench/report/ratios.ts'
import { reportShape } from '../../bench/report/report.ts'

// What `npm run bench -- all --quick --report` once found; the page has it as JSON.
const recorded = reportShape.parse(JSON.parse(readFileSync(resolve(import.meta.dirname, 'recorded.json'), 'utf8')))

describe('the page', () => {
  let page: string
  /** By the name of its benchmark. */
  let parts: Map<string, string>
  beforeAll(async () => {
    page = await renderPage(recorded)
    const split = page.split(/<section id="([a-z]+)">/).slice(1)
    parts = new Map(split.flatMap((name, index) => (index % 2 === 0 ? [[name, split[index + 1] ?? '']] : [])))
  })

  it('has every benchmark there is', () => {
    expect([...parts.keys()]).toEqual(Object.keys(catalogue))
  })

  it.each(recorded.benchmarks)('has the plots and tables of $name, what is compared first', (benchmark) => {
    const part = must(parts.get(benchmark.name), 'it is there')
    if ('error' in benchmark) throw new Error(benchmark.error)
    const { sections } = benchmark
    const ratios = sections.flatMap(ratiosOf)
    const titles = [...ratios, ...sections.filter(({ kind }) => kind !== 'ratios')].map(({ title }) => title)
    expect(titles.length).toBeGreaterThan(0)
    expect([...part.matchAll(/<figcaption>(.*?)<\/figcaption>/g)].map(([, title]) => title)).toEqual(
      titles.map(escaped),
    )
    for (const figure of part.split('<figure>').slice(1)) {
      expect(figure).toMatch(/<svg [^>]*viewBox/)
      expect(figure).toMatch(/<tbody>\s*<tr>/)
      expect(figure).not.toMatch(/NaN|undefined/)
    }
  })

  it('tells the machine, the commit and the command', () => {
    const facts = [...Object.values(recorded.machine), recorded.commit, recorded.command, recorded.startedAt]
    for (const fact of facts) expect(page).toContain(`<dd>${escaped(fact)}</dd>`)
  })

  it('needs nothing from elsewhere', () => {
    expect(page).not.toMatch(/(?:src|href)="(?!#)/)
    expect(page).not.toMatch(/url\(|@import/)
  })

  it('has all figures in it for machines', () => {
    const json = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(page)?.[1]
    expect(reportShape.parse(JSON.parse(json ?? ''))).toEqual(recorded)
  })

  it('shows what failed, and nothing in words as markup', async () => {
    const [first] = recorded.benchmarks
    const { name, summary, command, seconds, loadBefore } = must(first, 'there is one')
    const failed = { name, summary, command, seconds, loadBefore, error: 'no <b>room</b>' }
    const shown = await renderPage({ ...recorded, benchmarks: [failed] })
    expect(shown).toContain('It failed: no &lt;b&gt;room&lt;/b&gt;')
  })
})

describe('ratios', () => {
  const rows = { small: { ours: 20, theirs: 10 }, none: { ours: 20, theirs: null } }
  const section = { kind: 'amounts', title: 'Rate', unit: 'rows/s', yardstick: 'theirs', rows } as const

  it('are above 1 where more is better and there is more', () => {
    expect(ratiosOf({ ...section, better: 'more' })[0]?.rows).toEqual({ small: { ours: 2 }, none: { ours: null } })
  })

  it('are below 1 where less is better and there is more', () => {
    expect(ratiosOf({ ...section, better: 'less' })[0]?.rows).toEqual({ small: { ours: 0.5 }, none: { ours: null } })
  })

  it('of times are those of the middle and of the tail', () => {
    const [ours, theirs] = [
      { p50: 2, p90: 5, p99: 40, max: 50 },
      { p50: 4, p90: 5, p99: 10, max: 50 },
    ]
    const ratios = ratiosOf({
      kind: 'quantiles',
      title: 'Ack',
      unit: 'ms',
      yardstick: 'theirs',
      rows: { a: { ours, theirs } },
    })
    expect(ratios.map((of) => of.rows)).toEqual([{ a: { ours: 2 } }, { a: { ours: 0.25 } }])
  })

  it('are none without a yardstick', () => {
    const { yardstick: _, ...without } = section
    expect(ratiosOf({ ...without, better: 'more' })).toEqual([])
  })
})

describe('the command line', () => {
  test('all stands for every benchmark', () => {
    expect(askedOf(['all', '--quick']).names).toEqual(Object.keys(catalogue))
  })

  test('what is given counts before what --quick says, and that before what is usual', () => {
    const queue = must(catalogue['queue'], 'it is there')
    const options = optionsOf(queue, askedOf(['queue', '--quick', '--jobs=7']))
    expect([options.number('jobs'), options.number('rounds'), options.list('only')[0]]).toEqual([7, 1, 'enqueue'])
    expect(optionsOf(queue, askedOf(['queue'])).number('rounds')).toBe(3)
  })

  test('each benchmark hears of its own options only', () => {
    const asked = askedOf(['queue', 'scan', '--jobs=7', '--rounds=2', '--report=x.html'])
    expect(wordsFor('queue', asked)).toEqual(['queue', '--jobs=7', '--rounds=2'])
    expect(wordsFor('scan', asked)).toEqual(['scan', '--rounds=2'])
  })

  test('what nobody knows is refused', () => {
    expect(() => askedOf(['query', '--jobs=7'])).toThrow('--jobs is no option of query')
    expect(() => askedOf(['querry'])).toThrow('querry is none of visible')
    const options = optionsOf(must(catalogue['queue'], 'it is there'), askedOf(['queue', '--jobs=many']))
    expect(() => options.number('jobs')).toThrow('--jobs=many: a number above 0 is due')
  })

  test('help tells every benchmark and option', () => {
    const text = help()
    for (const [name, { options, quick }] of Object.entries(catalogue)) {
      expect(text).toContain(`  ${name} `)
      for (const option of Object.keys(options)) expect(text).toContain(`--${option}=`)
      expect(Object.keys(options)).toEqual(expect.arrayContaining(Object.keys(quick)))
    }
  })
})

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
