import { setTimeout } from 'node:timers/promises'

import { withSession } from '../src/base/duckdb/session.ts'
import { systemClock } from '../src/base/clock.ts'
import type { Options } from './options.ts'
import { mapped, picked } from './outcome.ts'
import type { Outcome, Quantiles, Section } from './outcome.ts'
import { quantiles } from './quantiles.ts'
import { ask, smallQuery as small, startPlatform } from './query/platform.ts'
import { processorMsOfChildren } from './query/processor-time.ts'
import type { Answer, QueryAccount, Stages } from './query/platform.ts'

const long = 'select count(*) from range(60000) a(x), range(60000) b(y) where (x * y) % 7 = 3'

/**
 * Small queries through the REST door, each submitted, waited for and read as JSON: ten a second however long they take, at the
 * speed of 1, 8 and 64 clients of two accounts, and beside a long one. The yardstick is bare DuckDB that counts as many rows in a
 * fresh instance, in the same minutes.
 */
export async function run(options: Options): Promise<Outcome> {
  const seconds = options.number('seconds')
  const platform = await startPlatform(['one', 'two'])
  const results: Record<string, unknown> = {}
  const show = <Figures>(name: string, figures: Figures): Figures => {
    results[name] = figures
    console.log(
      `\n${name}\n${JSON.stringify(figures, null, 1).replaceAll(/\{\n\s+"p50"[^}]*\}/g, (of) => of.replaceAll(/\s+/g, ' '))}`,
    )
    return figures
  }
  try {
    const [first] = platform.accounts
    if (first === undefined) throw new Error('there is an account')
    await closedLoop([first], 1, 2)
    const before = show('bare DuckDB, ms', await bare())
    const timed = { '10 a second': show('10 a second, ms', await openLoop(first, 10, seconds)) }
    const hurried: Record<string, Hurried> = {}
    for (const clients of [1, 8, 64]) {
      const name = `${clients} clients of two accounts`
      hurried[name] = show(name, await closedLoop(platform.accounts, clients, seconds))
    }
    const long = show('beside a long query', await besideLong(first, seconds))
    show('bare DuckDB afterwards, ms', await bare())
    return { figures: results, sections: sectionsOf(before, { ...timed, 'beside a long query': long }, hurried) }
  } finally {
    await platform.stop()
  }
}

function sectionsOf(
  yardstick: Quantiles,
  timed: Readonly<Record<string, Timed>>,
  hurried: Readonly<Record<string, Hurried>>,
): Section[] {
  const untilRead = {
    ...mapped(timed, (of) => of['until read']),
    ...mapped(hurried, ({ ms }) => ms),
  }
  return [
    {
      kind: 'quantiles',
      title: 'Until the rows are read',
      unit: 'ms',
      yardstick: 'bare DuckDB',
      rows: mapped(untilRead, (ms) => ({ Biwa: ms, 'bare DuckDB': yardstick })),
    },
    {
      kind: 'quantiles',
      title: 'By stage',
      unit: 'ms',
      rows: mapped(timed, (of) => picked(of, stageNames)),
    },
    {
      kind: 'amounts',
      title: 'At the speed of the clients',
      unit: 'queries/s',
      better: 'more',
      rows: mapped(hurried, (of) => ({ Biwa: of['queries a second'] })),
    },
    {
      kind: 'amounts',
      title: 'Processor time',
      unit: 'ms a query',
      better: 'less',
      rows: mapped(hurried, (of) => ({ Biwa: of['processor ms a query'] })),
    },
    {
      kind: 'amounts',
      title: 'Served, where one account has three of four clients',
      unit: 'answers',
      better: 'more',
      rows: mapped(hurried, (of) => of['served by account']),
    },
    {
      kind: 'amounts',
      title: 'Failures',
      unit: 'queries',
      better: 'less',
      rows: mapped({ ...timed, ...hurried }, ({ errors }) => ({ Biwa: errors })),
    },
  ]
}

async function bare(): Promise<Quantiles> {
  const took: number[] = []
  for (let round = 0; round < 20; round += 1) {
    const startMs = systemClock.monotonicMs()
    const limits = { memoryBytes: 1e9, temporaryBytes: 0, threads: 2, spillDirectory: null }
    await withSession(limits, (session) =>
      session.run('select i % 50, count(*), sum(i) from range(100000) r(i) group by 1 order by 1'),
    )
    took.push(systemClock.monotonicMs() - startMs)
  }
  return quantiles(took)
}

type Timed = { readonly errors: number; readonly 'until read': Quantiles } & ReturnType<typeof stages>

/** Sent at their times, whatever became of those before; each is timed from when it was to be sent. */
async function openLoop(account: QueryAccount, perSecond: number, seconds: number): Promise<Timed> {
  const start = performance.now()
  const asked = Array.from({ length: perSecond * seconds }, async (_, number) => {
    const dueMs = (number * 1000) / perSecond
    await setTimeout(Math.max(0, start + dueMs - performance.now()))
    const answer = await ask(account, small).catch(() => undefined)
    return { answer, ms: performance.now() - start - dueMs }
  })
  const settled = await Promise.all(asked)
  const answers = settled.flatMap(({ answer }) => (answer === undefined ? [] : [answer]))
  return {
    errors: settled.length - answers.length,
    'until read': quantiles(settled.map(({ ms }) => ms)),
    ...stages(answers),
  }
}

const stageNames = [
  'until done',
  'in the queue',
  'at work',
  'of that to plan',
  'of that to run',
  'to read the result',
] as const

function stages(answers: readonly Answer[]) {
  const of = (stage: keyof Stages) => quantiles(answers.map(({ ms }) => ms[stage]))
  return {
    'until done': of('done'),
    'in the queue': of('queued'),
    'at work': of('worked'),
    'of that to plan': of('planned'),
    'of that to run': of('run'),
    'to read the result': of('read'),
  }
}

interface Hurried {
  readonly 'queries a second': number
  readonly 'processor ms a query': number | null
  readonly errors: number
  readonly ms: Quantiles
  readonly 'served by account': Readonly<Record<string, number>>
}

/** As quickly as the clients get their answers; what each account gets of it. */
async function closedLoop(accounts: readonly QueryAccount[], clients: number, seconds: number): Promise<Hurried> {
  const end = performance.now() + seconds * 1000
  const before = processorMsOfChildren()
  const took: number[] = []
  const served = new Map(accounts.map(({ name }) => [name, 0]))
  const failures = new Map<string, number>()
  const client = async (account: QueryAccount): Promise<void> => {
    while (performance.now() < end) {
      const start = performance.now()
      try {
        await ask(account, small)
        took.push(performance.now() - start)
        // What is answered later tells of nothing but how many clients an account has.
        if (performance.now() < end) served.set(account.name, (served.get(account.name) ?? 0) + 1)
      } catch (error) {
        const message = String(error).slice(0, 120)
        failures.set(message, (failures.get(message) ?? 0) + 1)
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, index) => clientOf(accounts, index, client)))
  const inTime = [...served.values()].reduce((sum, count) => sum + count, 0)
  const after = processorMsOfChildren()
  return {
    'queries a second': Math.round((inTime * 10) / seconds) / 10,
    'processor ms a query': before === null || after === null ? null : Math.round((after - before) / took.length),
    errors: [...failures.values()].reduce((sum, count) => sum + count, 0),
    ...Object.fromEntries(failures),
    ms: quantiles(took),
    'served by account': Object.fromEntries(served),
  }
}

/** A quarter of the clients is the second account's, which is to get half of the time where both wait. */
async function clientOf(
  accounts: readonly QueryAccount[],
  index: number,
  client: (account: QueryAccount) => Promise<void>,
): Promise<void> {
  const account = accounts[index % 4 === 3 ? accounts.length - 1 : 0]
  if (account !== undefined) await client(account)
}

async function besideLong(account: QueryAccount, seconds: number): Promise<Timed> {
  const running = ask(account, long)
    .then(() => 'ended before')
    .catch((error: unknown) => String(error).slice(0, 120))
  await setTimeout(500)
  const figures = await openLoop(account, 5, seconds)
  return Object.assign(figures, { 'the long one': await Promise.race([running, setTimeout(1, 'still runs')]) })
}
