import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { lockDown, withSession } from '../../base/duckdb/session.ts'
import { makeFunctions } from '../engines/duckdb/make-functions.ts'
import { translatedNames } from '../planning/dialects/calls.ts'
import type { SqlDialect } from '../planning/dialects/dialect.ts'
import { translate } from '../planning/dialects/translate.ts'
import { functionNames } from './library.ts'

/** The page is the conformance suite: each example of its tables is run, and gives the answer that stands beside it. */
const page = readFileSync(new URL('../../../docs/td-sql.md', import.meta.url), 'utf8')

interface Example {
  readonly sql: string
  readonly answer: string
}

/** The tables of a section whose third and fourth column are an example and its answer. */
function examplesOf(section: string): Example[] {
  const text = page.split(`## ${section}\n`)[1]?.split('\n## ')[0] ?? ''
  return text
    .split('\n')
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|')))
    .map(([, , , example = '', answer = '']) => ({ sql: codeIn(example), answer: codeIn(answer) }))
    .filter(({ sql, answer }) => sql !== '' && answer !== '')
}

function codeIn(cell: string): string {
  return /^(`+) ?([^]*?) ?\1$/.exec(cell)?.[2] ?? ''
}

/** The answers of the examples, in one session that has all their functions. */
async function answersOf(examples: readonly Example[], dialect: SqlDialect): Promise<string[]> {
  const queries = examples.map(({ sql }) => translate(/^select /i.test(sql) ? sql : `SELECT ${sql}`, dialect).text)
  const limits = { memoryBytes: 300e6, threads: 1, temporaryBytes: 0, spillDirectory: null }
  const moment = {
    nowUs: 1_700_000_000_000_000,
    scheduledSeconds: 1_700_000_000,
    integerDivision: dialect === 'presto',
  }
  return await withSession(limits, async (session) => {
    const all = queries.join('\n')
    await makeFunctions(session, { sql: all, whole: all, offset: 0, ...moment })
    await lockDown(session, [])
    const answers: string[] = []
    for (const query of queries) {
      const answer = await session.connection.runAndReadAll(query)
      answers.push(JSON.stringify(answer.getRowsJson()[0]?.[0]))
    }
    return answers
  })
}

const sections: readonly (readonly [section: string, dialects: readonly SqlDialect[], least: number])[] = [
  ['Functions of Treasure Data', ['duckdb', 'presto', 'hive'], 30],
  ['Functions of Presto and Trino', ['presto'], 70],
  ['Functions of Hive', ['hive'], 30],
]

describe.each(sections)('%s', (section, dialects, least) => {
  const examples = examplesOf(section)

  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(least)
  })

  it.each(dialects)('gives the answers of the page in the dialect %s', async (dialect) => {
    // Two quotes in a row are no quote to Hive.
    const isSame = ({ sql }: Example) => dialects.length === 1 || dialect !== 'hive' || !sql.includes("''")
    const chosen = examples.filter(isSame)
    const answers = await answersOf(chosen, dialect)
    expect(chosen.map(({ sql }, index) => ({ sql, answer: answers[index] }))).toEqual(chosen)
  })
})

it('names every function of the library', () => {
  const words = new Set(page.toLowerCase().match(/[a-z_]\w*/g))
  // The page writes url_extract_fragment, _host, … for short.
  const isNamed = (name: string) => words.has(name) || words.has(name.replace(/^url_extract/, ''))
  expect([...functionNames, ...translatedNames].filter((name) => !isNamed(name))).toEqual([])
})
