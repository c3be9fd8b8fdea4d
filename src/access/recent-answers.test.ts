import { describe, expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { RecentAnswers } from './recent-answers.ts'

const away = new AppError('database_unavailable', 'away')

function bench(entriesMax = 100) {
  let nowMs = 0
  const clock = { ...systemClock, monotonicMs: () => nowMs }
  const answers = new RecentAnswers<string>(clock, { freshMs: 100, keptMs: 10_000, entriesMax })
  const asked: string[] = []
  let source: (question: string) => Promise<string | undefined> = async (question) => `${question}!`
  return {
    answers,
    asked,
    pass: (ms: number) => (nowMs += ms),
    answerWith: (next: typeof source) => (source = next),
    ask: (question: string) =>
      answers.ask(question, () => {
        asked.push(question)
        return source(question)
      }),
  }
}

describe('recent answers', () => {
  test('are given without asking while they are fresh', async () => {
    const { ask, asked, pass } = bench()
    expect(await ask('a')).toBe('a!')
    pass(99)
    expect(await ask('a')).toBe('a!')
    expect(asked).toEqual(['a'])
    pass(1)
    await ask('a')
    expect(asked).toEqual(['a', 'a'])
  })

  test('are asked for once by many at the same time', async () => {
    const { ask, asked } = bench()
    expect(await Promise.all([ask('a'), ask('a'), ask('b')])).toEqual(['a!', 'a!', 'b!'])
    expect(asked).toEqual(['a', 'b'])
  })

  test('are given for longer when nobody can be asked, and then are asked for once a second at most', async () => {
    const { ask, asked, pass, answerWith } = bench()
    await ask('a')
    answerWith(() => Promise.reject(away))
    pass(5000)
    expect(await Promise.all([ask('a'), ask('a')])).toEqual(['a!', 'a!'])
    expect(await ask('a')).toBe('a!')
    expect(asked).toHaveLength(2)
    pass(1000)
    expect(await ask('a')).toBe('a!')
    expect(asked).toHaveLength(3)
    await expect(ask('b')).rejects.toBe(away)
    pass(4000)
    await expect(ask('a')).rejects.toBe(away)
  })

  test('do not hide failures of another kind', async () => {
    const { ask, pass, answerWith } = bench()
    await ask('a')
    pass(200)
    answerWith(() => Promise.reject(new Error('bug')))
    await expect(ask('a')).rejects.toThrow('bug')
  })

  test('are gone for good when they are forgotten, even those under way', async () => {
    const { answers, ask, asked, answerWith } = bench()
    await ask('a')
    await ask('b')
    let arrive: (answer: string) => void = () => {}
    answerWith(() => new Promise((resolve) => (arrive = resolve)))
    const underWay = ask('c')
    answers.forget((answer) => answer === 'a!')
    arrive('old')
    expect(await underWay).toBe('old')

    answerWith(async () => 'new')
    expect(await Promise.all([ask('a'), ask('b'), ask('c')])).toEqual(['new', 'b!', 'new'])
    expect(asked).toEqual(['a', 'b', 'c', 'a', 'c'])
    answers.forget(() => true)
    answerWith(() => Promise.reject(away))
    await expect(ask('a')).rejects.toBe(away)
  })

  test('that expire are asked for again, and kept should nobody be there', async () => {
    const { answers, ask, answerWith } = bench()
    await ask('a')
    answers.expire()
    answerWith(() => Promise.reject(away))
    expect(await ask('a')).toBe('a!')
    answers.expire()
    answerWith(async () => 'new')
    expect(await ask('a')).toBe('new')
  })

  test('are bounded, and a flood of guesses displaces nothing that is true', async () => {
    const { ask, asked, answerWith } = bench(2)
    await ask('a')
    answerWith(async () => undefined)
    for (let guess = 0; guess < 50; guess++) expect(await ask(`guess ${guess}`)).toBeUndefined()
    const before = asked.length
    await ask('guess 49')
    await ask('a')
    expect(asked).toHaveLength(before)
    await ask('guess 0')
    expect(asked).toHaveLength(before + 1)

    answerWith(async (question) => question)
    await ask('b')
    await ask('c')
    await ask('a')
    expect(asked.slice(-3)).toEqual(['b', 'c', 'a'])
  })
})
