import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'

import { plainBody } from './shapes.ts'
import type { Shape } from './shapes.ts'

export interface Yardstick {
  readonly recordsPerSecond: number
  /** Of NDJSON, or of what is copied. */
  readonly megabytesPerSecond: number
}

/** Bare DuckDB with as many threads as cores: it reads the records as NDJSON with declared columns, and writes Parquet. */
export async function bareDuckdb(shape: Shape, records: number): Promise<Yardstick> {
  const { bytes } = plainBody(shape, 'ndjson', 0, records, 1_700_000_000)
  const directory = mkdtempSync(join(tmpdir(), 'biwa-bench-'))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const file = `${directory}/lines.ndjson`
    writeFileSync(file, bytes)
    const described = await connection.runAndReadAll(`describe select * from read_ndjson('${file}')`)
    const columns = described.getRows().map(([name, type]) => `"${String(name)}": '${String(type)}'`)
    const start = performance.now()
    await connection.run(
      `copy (select * from read_ndjson('${file}', columns = {${columns.join(', ')}}))
         to '${directory}/bare.parquet' (format parquet, compression zstd, compression_level 1)`,
    )
    const seconds = (performance.now() - start) / 1000
    return { recordsPerSecond: records / seconds, megabytesPerSecond: bytes.byteLength / seconds / 1e6 }
  } finally {
    connection.closeSync()
    instance.closeSync()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A plain copy of the body to a file, in writes of a megabyte with a sync behind each, as the inbox makes them. */
export function plainCopy(shape: Shape, records: number): Yardstick {
  const { bytes } = plainBody(shape, 'msgpack', 0, records, 1_700_000_000)
  const directory = mkdtempSync(join(tmpdir(), 'biwa-bench-'))
  const file = openSync(join(directory, 'copy'), 'w')
  try {
    const start = performance.now()
    for (let at = 0; at < bytes.byteLength; at += 1 << 20) {
      writeSync(file, bytes, at, Math.min(1 << 20, bytes.byteLength - at))
      fdatasyncSync(file)
    }
    const seconds = (performance.now() - start) / 1000
    return { recordsPerSecond: records / seconds, megabytesPerSecond: bytes.byteLength / seconds / 1e6 }
  } finally {
    closeSync(file)
    rmSync(directory, { recursive: true, force: true })
  }
}
