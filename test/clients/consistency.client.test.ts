import { afterAll, beforeAll, expect, test } from 'vitest'

import { startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { finishQuery, queryRows } from '../support/query.ts'
import type { RunningScript } from './python.ts'
import { clientsPython, startScript } from './python.ts'
import type { Field } from './support.ts'
import { catalogOf, changeColumns, importRecords } from './support.ts'

/** How long the scans go on; ten minutes show more than the minute that there is for it in every run. */
const seconds = Number(process.env['BIWA_CLIENTS_SECONDS'] ?? 30)

const sumNames = ['n', 'code']

/** What a scan of PyIceberg found. */
interface Scan {
  readonly snapshot: number
  readonly count: number
  readonly sums: Readonly<Record<string, number | null>>
  readonly columns: readonly string[]
}

let biwa: Biwa
let python: string
beforeAll(async () => {
  python = await clientsPython()
  biwa = await startBiwa()
})
afterAll(() => biwa.stop())

async function deleteRows(condition: string): Promise<void> {
  const job = await finishQuery(biwa, `delete from readings where ${condition}`)
  expect(job.state, JSON.stringify(job.error)).toBe('success')
}

/** What is done to the table besides imports and merges: each once, one after the other. */
const changes = (): (() => Promise<void>)[] => [
  () => changeColumns(biwa, 'test.readings', (fields, next) => [...fields, optional(next, 'note', 'string')]),
  () => changeColumns(biwa, 'test.readings', (fields) => changed(fields, 'share', { type: 'string' })),
  () => deleteRows('n % 10 = 3'),
  () => changeColumns(biwa, 'test.readings', (fields) => changed(fields, 'text', { name: 'label' })),
]

const optional = (id: number, name: string, type: string): Field => ({ id, name, type, required: false })

const changed = (fields: readonly Field[], name: string, more: Partial<Field>): Field[] =>
  fields.map((field) => (field.name === name ? { ...field, ...more } : field))

/**
 * Imports small bodies, as they come from devices, so that there is always something to merge; and changes columns. Goes on until all
 * that is done, the key has come that makes a column, and whoever scans has seen enough, however slow the machine is.
 */
async function writeUntil(endMs: number, isEnough: () => boolean): Promise<void> {
  const left = changes()
  const everyMs = (endMs - Date.now()) / (left.length + 1)
  let nextMs = Date.now() + everyMs
  for (let n = 0; Date.now() < endMs || left.length > 0 || n <= 2 * keyComesAfter || !isEnough();) {
    const records = Array.from({ length: 50 }, () => {
      n += 1
      // Late ones among them, and from the middle on a key that makes a column by itself.
      const time = 1_700_000_000 + n - (n % 17 === 0 ? 86_400 : 0)
      return { time, n, share: n / 8, text: `text ${n}`, ...(n > keyComesAfter && { code: n % 7 }) }
    })
    await importRecords(biwa, 'test.readings', records)
    if (Date.now() < nextMs) continue
    nextMs += everyMs
    await left.shift()?.()
  }
}

const keyComesAfter = 500

/** Adds what the script finds to `scans` until it ends. */
async function readScans(script: RunningScript, scans: Scan[]): Promise<void> {
  for await (const line of script.lines) scans.push(JSON.parse(line) as Scan)
  expect(await script.ended, script.errors()).toBe(0)
}

/** Compares scans with what our own SQL finds at their snapshots, some at a time: each query is a job. */
async function expectSame(scans: readonly Scan[]): Promise<void> {
  const statements = scans.map(({ snapshot, sums }) => {
    const selected = sumNames.map((name) => (name in sums ? `sum(${name})::bigint` : 'null::bigint'))
    return `select ${snapshot}, count(*), ${selected.join(', ')} from test.readings for version as of ${snapshot}`
  })
  const expected = scans.map(({ snapshot, count, sums }) => [
    snapshot,
    count,
    ...sumNames.map((name) => sums[name] ?? null),
  ])
  for (let at = 0; at < scans.length; at += 20) {
    const found = await queryRows(biwa, `${statements.slice(at, at + 20).join(' union all ')} order by 1`)
    expect(found).toEqual(expected.slice(at, at + 20))
  }
}

test(`PyIceberg finds what our SQL finds at the same snapshot, every time, for ${seconds} s`, async () => {
  await importRecords(biwa, 'test.readings', [{ time: 1_700_000_000, n: 0, share: 0.5, text: 'first' }])
  const script = startScript(python, 'scan_loop.py', {
    ...catalogOf(biwa),
    table: 'test.readings',
    sums: sumNames,
  })
  const scans: Scan[] = []
  let isOver = false
  const scanning = readScans(script, scans).finally(() => (isOver = true))
  // Where both fail, the failure of the writer is the one to look at.
  scanning.catch(() => {})
  await writeUntil(Date.now() + seconds * 1000, () => isOver || new Set(scans.map(({ snapshot }) => snapshot)).size > 5)
  // Once the files are restated, others see the last columns, too.
  const columns = ['time', 'n', 'share', 'label', 'code', 'note']
  const seesAll = (): boolean => isOver || columns.every((name) => scans.at(-1)?.columns.includes(name))
  await expect.poll(seesAll, { timeout: 240_000 }).toBe(true)
  script.child.stdin?.end()
  await scanning
  const bySnapshot = new Map(scans.map((scan) => [scan.snapshot, scan]))
  expect(bySnapshot.size).toBeGreaterThan(5)
  await expectSame([...bySnapshot.values()].toSorted((a, b) => a.snapshot - b.snapshot))
  for (const scan of scans) expect(scan).toEqual(bySnapshot.get(scan.snapshot))
  expect(scans.at(-1)?.columns).toEqual(expect.arrayContaining(columns))
})
