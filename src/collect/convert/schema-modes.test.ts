import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { encode } from '@msgpack/msgpack'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemDisk } from '../../base/disk.ts'
import type { Session } from '../../base/duckdb/session.ts'
import { withSession } from '../../base/duckdb/session.ts'
import type { SchemaMode } from '../split/splitter.ts'
import { createSplitter } from '../split/split.ts'
import { convertHandler } from './convert-task.ts'
import type { ConvertBody } from './tasks.ts'

const convert = convertHandler({ splitter: createSplitter(), disk: systemDisk })

let folder = ''
let number = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-modes-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const limits = { memoryBytes: 300e6, threads: 1, temporaryBytes: 0, spillDirectory: null }
const duck = <T>(work: (session: Session) => Promise<T>): Promise<T> => withSession(limits, work)

/** Converts a body for a table with the column `code bigint`; answers rows as JSON, and why records were rejected. */
async function run(
  mode: SchemaMode,
  format: ConvertBody['format'],
  content: Uint8Array | string,
  more: Partial<ConvertBody> = {},
) {
  const directory = join(folder, String((number += 1)))
  await systemDisk.makeDirectory(directory)
  const path = `${directory}.body`
  await writeFile(path, content)
  const bytes = Buffer.from(content).byteLength
  const body = {
    path,
    offset: 0,
    bytes,
    format,
    encoding: 'identity',
    timeColumn: null,
    receivedAtUs: 5e6,
    ...more,
  } as const
  const output = await convert({
    bodies: [body],
    columns: [{ fieldId: 6, name: 'code', type: { kind: 'bigint' } }],
    nextFieldId: 7,
    schemaMode: mode,
    directory,
    memoryBytes: 300e6,
    threads: 1,
  })
  const files = output.files.map((file) => `'${file.path}'`).join(', ')
  const rows = await duck(async (session) =>
    files === ''
      ? []
      : await session.rows(
          `select to_json(r)::varchar from read_parquet([${files}], union_by_name = true) r order by time`,
        ),
  )
  const rejected = output.bodies.flatMap((of) => of.rejectedRows)
  return {
    rows: rows.map(([row]) => JSON.parse(String(row)) as unknown),
    rejected: rejected.map(({ recordNumber, reason, detail }) => [recordNumber, reason, detail]),
    raw: rejected.map(({ raw }) => Buffer.from(raw).toString()),
    newColumns: output.newColumns.map(({ name }) => name),
  }
}

const parquet = async (select: string): Promise<Buffer> => {
  const path = join(folder, `${(number += 1)}.parquet`)
  await duck((session) => session.run(`copy (${select}) to '${path}' (format parquet)`))
  return await readFile(path)
}

const lines = '{"time":1,"code":1}\n{"time":2,"code":"abc"}\n{"time":3,"code":3,"user":"a"}\n{"time":4,"user":null}\n'

describe('a table that evolves', () => {
  it('gets columns for new keys, and rescues what does not fit', async () => {
    expect(await run('evolve', 'ndjson', lines)).toEqual({
      rows: [
        { time: 1, code: 1, user: null, _rescued: null },
        { time: 2, code: null, user: null, _rescued: { code: '"abc"' } },
        { time: 3, code: 3, user: 'a', _rescued: null },
        { time: 4, code: null, user: null, _rescued: null },
      ],
      rejected: [],
      raw: [],
      newColumns: ['user'],
    })
  })
})

describe('a frozen table', () => {
  it('rescues the values of keys without a column', async () => {
    const frozen = await run('freeze', 'ndjson', lines)
    expect(frozen).toMatchObject({ rejected: [], newColumns: [] })
    expect(frozen.rows).toEqual([
      { time: 1, code: 1, _rescued: null },
      { time: 2, code: null, _rescued: { code: '"abc"' } },
      { time: 3, code: 3, _rescued: { user: '"a"' } },
      { time: 4, code: null, _rescued: null },
    ])
  })

  it('does so with MessagePack, CSV and Parquet, too', async () => {
    const row = { time: 3, code: 3, _rescued: { user: '"a"' } }
    expect(await run('freeze', 'msgpack', encode({ time: 3, code: 3, user: 'a' }))).toMatchObject({
      rows: [row],
      newColumns: [],
    })
    expect(await run('freeze', 'csv', 'time,code,user\n3,3,a\n')).toMatchObject({ rows: [row], newColumns: [] })
    const body = await parquet(`select 3 as time, 3::bigint as code, 'a' as user`)
    expect(await run('freeze', 'parquet', body)).toMatchObject({ rows: [row], newColumns: [] })
  })

  it('keeps a key that says the time where it has no column', async () => {
    expect(await run('freeze', 'ndjson', '{"at":7}', { timeColumn: 'at' })).toMatchObject({
      rows: [{ time: 7, _rescued: { at: '7' } }],
    })
  })
})

describe('a table with a quarantine', () => {
  it('rejects records with keys that have no column, and with values that do not fit', async () => {
    expect(await run('quarantine', 'ndjson', lines)).toEqual({
      rows: [
        { time: 1, code: 1 },
        { time: 4, code: null },
      ],
      rejected: [
        [1, 'schema', '"code": its value does not fit the column'],
        [2, 'schema', '"user": there is no column for it'],
      ],
      raw: ['{"time":2,"code":"abc"}', '{"time":3,"code":3,"user":"a"}'],
      newColumns: [],
    })
  })

  it('tells them from those that are rejected for other reasons, and leaves the neighbours alone', async () => {
    const mixed = '{"time":1,"code":1}\n{"code":\n{"time":"no"}\n{"time":2,"code":1.5}\n{"time":3,"code":3}\n'
    const { rows, rejected } = await run('quarantine', 'ndjson', mixed)
    expect(rows).toEqual([
      { time: 1, code: 1 },
      { time: 3, code: 3 },
    ])
    expect(rejected.map(([record, reason]) => [record, reason])).toEqual([
      [1, 'json_syntax'],
      [2, 'time'],
      [3, 'schema'],
    ])
  })

  it('takes times with more digits than there are columns for', async () => {
    const body = '{"time":"2024-01-01T00:00:00.1234567Z","code":1}'
    const { rows, rejected } = await run('quarantine', 'ndjson', body)
    expect(rejected).toEqual([])
    expect(rows).toMatchObject([{ code: 1, _rescued: { time: '"2024-01-01T00:00:00.1234567Z"' } }])
  })

  it('does so with MessagePack, CSV and Parquet, too', async () => {
    const problem = '"user": there is no column for it'
    const packed = Buffer.concat([encode({ time: 1, code: 1 }), encode({ time: 3, code: 3, user: 'a' })])
    expect(await run('quarantine', 'msgpack', packed)).toMatchObject({
      rows: [{ code: 1 }],
      rejected: [[1, 'schema', problem]],
    })
    expect(await run('quarantine', 'csv', 'time,code,user\n1,1,\n3,3,a\n')).toMatchObject({
      rows: [{ code: 1 }],
      rejected: [[1, 'schema', problem]],
      raw: ['3,3,a'],
    })
    const body = await parquet(
      `select * from (values (1, '1', null), (2, 'abc', null), (3, '3', 'a'), (null, '4', null)) v (time, code, user)`,
    )
    expect(await run('quarantine', 'parquet', body)).toMatchObject({
      rows: [
        { time: 1, code: 1 },
        { time: 5, code: 4 },
      ],
      rejected: [
        [1, 'schema', '"code": its value does not fit the column'],
        [2, 'schema', problem],
      ],
      raw: ['{"time":2,"code":"abc","user":null}', '{"time":3,"code":"3","user":"a"}'],
    })
  })

  it('rejects all, and has no file then', async () => {
    const body = await parquet(`select 'a' as user from range(3)`)
    const { rows, rejected } = await run('quarantine', 'parquet', body)
    expect(rows).toEqual([])
    expect(rejected).toHaveLength(3)
    expect(await run('quarantine', 'ndjson', '{"user":1}')).toMatchObject({ rows: [], newColumns: [] })
  })
})
