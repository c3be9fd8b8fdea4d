import { DuckDBInstance } from '@duckdb/node-api'

import type { ObjectStore } from '../../src/base/objects/objects.ts'

/** The rows of a stored Parquet file, values as DuckDB prints them in JSON. */
export async function readParquet(objects: ObjectStore, key: string): Promise<unknown[][]> {
  const local = await objects.materialize(key)
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(`select * from read_parquet('${local.path}')`)).getRowsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
    local.release()
  }
}
