import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'

import type { ObjectStore } from '../../src/base/objects/objects.ts'
import { must } from '../../src/base/errors.ts'
import type { QueryOutput } from '../../src/process/process.ts'

/** The rows of the stored result of a query, values as DuckDB prints them in JSON. */
export async function readResult(objects: ObjectStore, { resultKey, inline }: QueryOutput): Promise<unknown[][]> {
  if (inline !== undefined) return await readInline(inline)
  const local = await objects.materialize(must(resultKey, 'a SELECT has a result'))
  try {
    return await readParquet(local.path)
  } finally {
    local.release()
  }
}

async function readInline(inline: string): Promise<unknown[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'biwa-result-'))
  try {
    const path = join(folder, 'result.parquet')
    await writeFile(path, Buffer.from(inline, 'base64'))
    return await readParquet(path)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function readParquet(path: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(`select * from read_parquet('${path}')`)).getRowsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
