import { afterAll, beforeAll, expect, test } from 'vitest'

import { startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { finishQuery, queryRows } from '../support/query.ts'
import type { RunningScript } from './python.ts'
import { clientsPython, startScript } from './python.ts'
import { catalogOf, importRecords } from './support.ts'

/** How long the scans go on; ten minutes show more than the minute that there is for it in every run. */
const seconds = Number(process.env['BIWA_CLIENTS_SECONDS'] ?? 60)

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

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function alter(statement: string): Promise<void> {
  const job = await finishQuery(biwa, statement)
  expect(job.state, JSON.stringify(job.error)).toBe('success')
}

/** Imports small bodies, as they come from devices, so that there is always something to merge; and changes columns. */
async function writeUntil(endMs: number): Promise<void> {
  const changes = [
    'alter table test.readings add column note varchar',
    'alter table test.readings alter column share type varchar',
    'delete from test.readings where n % 10 = 3',
    'alter table test.readings rename column text to label',
  ]
  const everyMs = (endMs - Date.now()) / (changes.length + 1)
  let nextMs = Date.now() + everyMs
  for (let n = 0; Date.now() < endMs;) {
    const records = Array.from({ length: 50 }, () => {
      n += 1
      // Late ones among them, and from the middle on a key that makes a column by itself.
      const time = 1_700_000_000 + n - (n % 17 === 0 ? 86_400 : 0)
      return { time, n, share: n / 8, text: `text ${n}`, ...(n > 500 && { code: n % 7 }) }
    })
    await importRecords(biwa, 'test.readings', records)
    if (Date.now() < nextMs) continue
    nextMs += everyMs
    const change = changes.shift()
    if (change !== undefined) await alter(change)
  }
}

async function scansOf(script: RunningScript): Promise<Scan[]> {
  const scans: Scan[] = []
  for await (const line of script.lines) scans.push(JSON.parse(line) as Scan)
  expect(await script.ended, script.errors()).toBe(0)
  return scans
}

/** What our own SQL finds at the snapshot that a scan read. */
async function expectSame({ snapshot, count, sums }: Scan): Promise<void> {
  const names = Object.keys(sums)
  const selected = ['count(*)', ...names.map((name) => `sum(${name})::bigint`)]
  const statement = `select ${selected.join(', ')} from test.readings for version as of ${snapshot}`
  const [row] = await queryRows(biwa, statement)
  expect(row, statement).toEqual([count, ...names.map((name) => sums[name])])
}

test(`PyIceberg finds what our SQL finds at the same snapshot, every time, for ${seconds} s`, async () => {
  await importRecords(biwa, 'test.readings', [{ time: 1_700_000_000, n: 0, share: 0.5, text: 'first' }])
  const script = startScript(python, 'scan_loop.py', {
    ...catalogOf(biwa),
    table: 'test.readings',
    sums: ['n', 'code'],
  })
  const scanning = scansOf(script)
  await writeUntil(Date.now() + seconds * 1000)
  // Once the files are restated, others see the last columns, too.
  await pause(5000)
  script.child.stdin?.end()
  const scans = await scanning
  const bySnapshot = new Map(scans.map((scan) => [scan.snapshot, scan]))
  expect(bySnapshot.size).toBeGreaterThan(5)
  for (const scan of bySnapshot.values()) await expectSame(scan)
  for (const scan of scans) expect(scan).toEqual(bySnapshot.get(scan.snapshot))
  const last = scans.at(-1)
  expect(last?.columns).toEqual(expect.arrayContaining(['time', 'n', 'share', 'label', 'code', 'note']))
})
