import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'

import { systemDisk } from '../../base/disk.ts'
import { firstFieldId, queryColumns, schemaClause, withFixedColumns } from '../../store/columns.ts'
import type { Column } from '../../store/store.ts'
import { formatType } from '../../store/types.ts'
import { convertHandler } from '../convert/convert-task.ts'
import type { ConvertTools } from '../convert/convert-task.ts'
import type { ConvertBody, ConvertOutput } from '../convert/tasks.ts'
import { createSplitter } from '../split/split.ts'

/** What came of bodies: files, and the columns of the table they are for. */
export interface ConversionRun extends ConvertOutput {
  readonly columns: readonly Column[]
  readonly fresh: readonly string[]
}

type ContentOf = Partial<ConvertBody> & { readonly content: Buffer | string }

/** Runs the task that converts bodies in a folder of its own, and reads the files with a DuckDB without bounds. */
export function openConversions(receivedAtUs: number, tools: Pick<ConvertTools, 'limits' | 'encoder' | 'gunzip'> = {}) {
  const handler = convertHandler({ splitter: createSplitter(), disk: systemDisk, ...tools })
  const convert = handler as unknown as (input: unknown) => Promise<ConvertOutput>
  const folder = mkdtempSync(join(tmpdir(), 'biwa-convert-'))
  let number = 0

  async function run(bodies: readonly ContentOf[], columns: readonly Column[] = []): Promise<ConversionRun> {
    const directory = join(folder, String(number++))
    await systemDisk.makeDirectory(directory)
    const written = await Promise.all(
      bodies.map(async ({ content, ...body }, index) => {
        const path = join(directory, `body-${index}`)
        const bytes = Buffer.from(content)
        await writeFile(path, Buffer.concat([Buffer.from('before'), bytes]))
        const rest = { format: 'ndjson', encoding: 'identity', timeColumn: null, receivedAtUs }
        return { path, offset: 6, bytes: bytes.byteLength, ...rest, ...body }
      }),
    )
    const nextFieldId = Math.max(firstFieldId, ...columns.map(({ fieldId }) => fieldId + 1000))
    const session = { directory, memoryBytes: 512 * 2 ** 20, threads: 2 }
    const output = await convert({ bodies: written, columns, nextFieldId, schemaMode: 'evolve', ...session })
    const fresh = output.newColumns.map(({ name, type }) => `${name} ${formatType(type)}`)
    return { ...output, columns: [...columns, ...output.newColumns], fresh }
  }

  /** What a query sees of the files as `rows`: by field id, under the names of the table. */
  function view({ files, columns }: ConversionRun): string {
    const schema = schemaClause(queryColumns(withFixedColumns(columns)))
    const list = files.map(({ path }) => `'${path}'`).join(', ')
    return `create or replace view rows as select * from read_parquet([${list}], schema = ${schema})`
  }

  function read(conversion: ConversionRun, select: string): Promise<unknown[]> {
    return duck(async (query) => {
      await query(view(conversion))
      return await query(select)
    })
  }

  async function parquetOf(select: string): Promise<Buffer> {
    const path = join(folder, `source-${number++}.parquet`)
    await duck((query) => query(`copy (${select}) to '${path}' (format parquet)`))
    const file = await systemDisk.open(path, 'read')
    return await file.read(0, await file.size()).finally(() => file.close())
  }

  return { folder, run, view, read, duck, parquetOf, remove: () => rm(folder, { recursive: true, force: true }) }
}

async function duck<T>(
  work: (query: (sql: string) => Promise<unknown[]>, connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    await connection.run("set timezone = 'UTC'")
    return await work(async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson(), connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
