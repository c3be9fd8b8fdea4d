import { DuckDBInstance } from '@duckdb/node-api'

/** Writes a SELECT to a Parquet file in the form of stored results: columns named c0, c1 … */
export async function writeStoredResult(path: string, select: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const { columnCount } = await connection.run(`select * from (${select}) limit 0`)
  const names = Array.from({ length: columnCount }, (_, index) => `c${index}`)
  await connection.run(`copy (select * from (${select}) as answer(${names.join(', ')})) to '${path}' (format parquet)`)
  connection.closeSync()
  instance.closeSync()
}
