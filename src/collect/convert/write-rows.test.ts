import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemDisk } from '../../base/disk.ts'
import { withSession } from '../../base/duckdb/session.ts'
import type { NativeEncoder } from '../../base/parquet/native-encoder.ts'
import { compiledEncoder } from '../../base/parquet/testing/compile-encoder.ts'
import { firstFieldId } from '../../store/columns.ts'
import { openConversions } from '../testing/run-conversion.ts'
import { split } from '../split/testing/split-text.ts'
import { TableDraft } from './table-draft.ts'
import { RowPieces } from './write-rows.ts'

const directory = mkdtempSync(join(tmpdir(), 'write-rows-'))
const { read, remove } = openConversions(0)
let native: NativeEncoder

beforeAll(async () => {
  native = await compiledEncoder()
})
afterAll(async () => {
  await remove()
  rmSync(directory, { recursive: true })
})

type Lines = readonly object[]

let written = 0

/** The pieces as files, of which DuckDB may have written some. */
async function filesOf(pieces: readonly Lines[], encoder: NativeEncoder | undefined) {
  const draft = new TableDraft([], firstFieldId)
  const session = { directory, memoryBytes: 3e8, threads: 2 }
  const path = join(directory, `part-${(written += 1)}`)
  const options = { disk: systemDisk, session, lend: withSession, path, parquetVersion: 'v2', encoder } as const
  const rows = new RowPieces(draft, options)
  for (const lines of pieces) {
    const known = draft.columns.map(({ name, type }) => ({ name, type }))
    await rows.add(split('ndjson', lines.map((line) => JSON.stringify(line)).join('\n'), { known }))
  }
  return { files: await rows.finish(), newColumns: draft.newColumns, columns: draft.columns, bodies: [], fresh: [] }
}

type Run = Awaited<ReturnType<typeof filesOf>>

async function writersOf(run: Run): Promise<unknown[]> {
  const list = run.files.map(({ path }) => `'${path}'`).join(', ')
  const rows = await read(run, `select distinct created_by from parquet_file_metadata([${list}])`)
  return rows.map((row) => String((row as { created_by: string }).created_by).split(' ')[0])
}

/** What the catalog keeps of the files, but for how many bytes columns take. */
function factsOf({ files }: Run) {
  return files.map(({ rows, timeRange, statistics }) => {
    const facts = Object.entries(statistics).map(
      ([id, { nulls, min, max, nan }]) => [id, { nulls, min, max, nan }] as const,
    )
    return { rows, timeRange, statistics: Object.fromEntries(facts) }
  })
}

/** Both ways have to give the same rows, and to say the same of them. */
async function bothWays(pieces: readonly Lines[]) {
  const [own, others] = [await filesOf(pieces, native), await filesOf(pieces, undefined)]
  const all = 'select * from rows order by all'
  expect(await read(own, all)).toEqual(await read(others, all))
  expect(factsOf(own)).toEqual(factsOf(others))
  return { own, others }
}

const start = 1_700_000_000
const lines = (count: number, of: (n: number) => object): Lines =>
  Array.from({ length: count }, (_, n) => ({ time: start + Math.floor(n / 100), ...of(n) }))

const usual = (n: number) => ({ n, word: `word ${n % 30}`, line: `line ${n * 7919}`, share: n / 8, kind: n % 5 })

describe('rows within an hour', () => {
  it('are encoded by ourselves, piece by piece, as DuckDB would have done', async () => {
    const { own, others } = await bothWays([lines(3000, usual), lines(5000, usual), lines(700, usual)])
    expect(own.files).toHaveLength(1)
    expect(await writersOf(own)).toEqual(['biwa'])
    expect(await writersOf(others)).toEqual(['DuckDB'])
    const groups = await read(
      own,
      `select row_group_num_rows as rows from parquet_metadata('${own.files[0]?.path}') where column_id = 0`,
    )
    expect(groups).toEqual([{ rows: '3000' }, { rows: '5000' }, { rows: '700' }])
  })

  it('may have columns that come up later, values in few rows, and nested ones', async () => {
    const nested = (n: number) => ({
      n,
      list: [n, null],
      object: { a: n, b: `x${n % 3}` },
      ...(n % 900 === 7 && { rare: n }),
    })
    const { own } = await bothWays([lines(2500, usual), lines(2500, nested), lines(2500, usual)])
    expect(await writersOf(own)).toEqual(['biwa'])
  })

  it('may be few, without and with others behind', async () => {
    await bothWays([lines(1, usual)])
    const { own, others } = await bothWays([lines(300, usual)])
    expect(await writersOf(own)).toEqual(['biwa'])
    expect(await writersOf(others)).toEqual(['biwa'])
    expect(own.files[0]?.bytes).toBeLessThan((others.files[0]?.bytes ?? 0) / 2)
    await bothWays([lines(300, usual), lines(300, usual), lines(2500, usual)])
    expect((await filesOf([[]], native)).files).toEqual([])
  })
})

describe('rows over more than an hour', () => {
  const spread = (seconds: number) => (n: number) => ({ ...usual(n), time: start + ((n * 7919) % seconds) })

  it('are sorted by DuckDB, also where the pieces before were within one', async () => {
    const { own } = await bothWays([lines(2500, usual), lines(2500, spread(10_000)), lines(2500, usual)])
    expect(await writersOf(own)).toEqual(['DuckDB'])
    const { own: first } = await bothWays([lines(2500, spread(10_000)), lines(2500, usual)])
    expect(await writersOf(first)).toEqual(['DuckDB'])
  })

  it('stay as they came where they are few', async () => {
    const { own, others } = await bothWays([lines(1500, spread(10_000))])
    expect([...(await writersOf(own)), ...(await writersOf(others))]).toEqual(['biwa', 'biwa'])
  })

  it('are encoded by ourselves where they are in order already', async () => {
    const { own } = await bothWays([lines(5000, (n) => ({ ...usual(n), time: start + n * 10 }))])
    expect(await writersOf(own)).toEqual(['biwa'])
  })
})
