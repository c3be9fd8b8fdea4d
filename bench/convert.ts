import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'

import { KeptMemory } from '../src/base/kept-memory.ts'
import { KeptSessions } from '../src/base/duckdb/kept-sessions.ts'
import { systemDisk } from '../src/base/disk.ts'
import type { NativeGunzip } from '../src/base/gzip/native-gunzip.ts'
import type { ParquetVersion } from '../src/base/parquet/version.ts'
import { inflate } from '../src/collect/convert/inflate.ts'
import type { RowWriterOptions } from '../src/collect/convert/write-rows.ts'
import { writeRows } from '../src/collect/convert/write-rows.ts'
import { TableDraft } from '../src/collect/convert/table-draft.ts'
import { splitLimits } from '../src/collect/limits.ts'
import { createSplitter } from '../src/collect/split/split.ts'
import { assignFieldIds, firstFieldId } from '../src/store/columns.ts'
import type { Column } from '../src/store/store.ts'
import { builtEncoder, builtGunzip, builtLane } from './native-modules.ts'
import { gzipBodies, plainBody } from './ingest/shapes.ts'
import type { Shape, WireFormat } from './ingest/shapes.ts'
import type { Options } from './options.ts'
import { mapped, picked } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { median } from './store/rows.ts'

const memoryBytes = 512 * 2 ** 20
const splitter = createSplitter({ native: builtLane() })
const encoder = builtEncoder()
const gunzip = builtGunzip()
/** As the conversions of a process have it, one after the other. */
const columnMemory = new KeptMemory(memoryBytes)

/**
 * What a conversion costs, stage by stage, in microseconds of CPU a record: of the processor and not of the clock, because
 * machines are shared. Beside it the writing of what has to be sorted, which DuckDB does, and bare DuckDB, which reads the same records as NDJSON with declared columns and writes the
 * same Parquet.
 */
export async function run(options: Options): Promise<Outcome> {
  const rounds = options.number('rounds')
  const parquetVersion = options.text('version') as ParquetVersion
  const result: Record<string, Record<string, number>> = {}
  for (const shape of options.list('shape') as Shape[]) {
    const records = Number(options.given('records') ?? (shape === 'narrow' ? 120_000 : 12_000))
    for (const format of options.list('format') as WireFormat[]) {
      const figures = await measured({ shape, format, records, rounds, parquetVersion })
      result[`${shape} ${format}`] = figures
      const texts = Object.entries(figures).map(([stage, micros]) => `${stage} ${micros.toFixed(2)}`)
      console.log(`${shape} ${format}, µs of CPU a record: ${texts.join('  ')}`)
    }
  }
  const section = { kind: 'amounts', unit: 'µs of CPU a record', better: 'less' } as const
  const whole = ({
    gunzip = Number.NaN,
    split = Number.NaN,
    write = Number.NaN,
    ...others
  }: Record<string, number>) => ({
    Biwa: gunzip + split + write,
    'bare DuckDB': others['bare DuckDB'] ?? Number.NaN,
  })
  const stages = ['gunzip', 'gunzip by zlib', 'split', 'write', 'write by DuckDB']
  return {
    figures: result,
    sections: [
      { ...section, title: 'All stages', yardstick: 'bare DuckDB', rows: mapped(result, whole) },
      { ...section, title: 'Stage by stage', rows: mapped(result, (of) => picked(of, stages)) },
    ],
  }
}

interface Measured {
  readonly shape: Shape
  readonly format: WireFormat
  readonly records: number
  readonly rounds: number
  readonly parquetVersion: ParquetVersion
}

async function measured({ shape, format, records: wanted, rounds, parquetVersion }: Measured) {
  const each = Math.min(wanted, shape === 'narrow' ? 10_000 : 2000)
  const count = Math.max(1, Math.round(wanted / each))
  const records = count * each
  const bodies = gzipBodies(shape, format, count, each, 1_700_000_000).map(({ bytes }) => bytes)
  if (gunzip !== undefined) requireRoom(gunzip, bodies)
  const lines = plainBody(shape, 'ndjson', 0, records, 1_700_000_000).bytes
  const directory = mkdtempSync(join(tmpdir(), 'biwa-bench-'))
  const seen: Record<string, number[]> = {}
  let sizes: readonly number[] = []
  const spent = async <T>(stage: string, work: () => T | Promise<T>): Promise<T> => {
    const before = process.cpuUsage()
    const outcome = await work()
    const { user, system } = process.cpuUsage(before)
    ;(seen[stage] ??= []).push((user + system) / records)
    return outcome
  }
  try {
    const known = knownColumns(inflatedAll(bodies), format)
    const { lend } = new KeptSessions()
    writeFileSync(join(directory, 'lines.ndjson'), lines)
    for (let round = 0; round <= rounds; round += 1) {
      gunzip?.turn()
      await spent('gunzip by zlib', () => inflatedAll(bodies))
      const inflated = await spent('gunzip', () => inflatedAll(bodies, gunzip))
      const split = await spent('split', () => splitAll(inflated, format, known))
      const session = { directory, memoryBytes, threads: 2 }
      const options = { disk: systemDisk, session, lend, parquetVersion }
      const write = (more: Pick<RowWriterOptions, 'path' | 'encoder'>) =>
        writeRows(split, new TableDraft(known, firstFieldId + known.length), { ...options, ...more })
      const files = await spent('write', () => write({ path: join(directory, `own-${round}`), encoder }))
      const others = await spent('write by DuckDB', () => write({ path: join(directory, `duckdb-${round}`) }))
      columnMemory.takeBack()
      sizes = [files, others].map((of) => of.reduce((sum, file) => sum + file.bytes, 0) / records)
      await spent('bare DuckDB', () => bareDuckdb(directory, known))
    }
    console.log(`${shape}: ${sizes.map((bytes) => bytes.toFixed(1)).join(' B a record, by DuckDB ')} B`)
    return Object.fromEntries(Object.entries(seen).map(([stage, micros]) => [stage, median(micros.slice(1))]))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What does not fit into the memory of a batch is inflated by zlib, and would be taken for ours here. */
function requireRoom(native: NativeGunzip, bodies: readonly Buffer[]): void {
  native.turn()
  const taken = bodies.every((body) => native.inflate(body, 2 ** 30) !== undefined)
  if (!taken) throw new Error('the bodies do not fit into one batch; ask for fewer --records')
}

function inflatedAll(bodies: readonly Buffer[], native?: NativeGunzip): Buffer[] {
  return bodies.map((body) => inflate(body, 'gzip', native))
}

/** The columns that a table has after the first bodies. */
function knownColumns(bodies: readonly Buffer[], format: WireFormat): readonly Column[] {
  const own = splitAll(bodies, format, []).columns.filter(({ name }) => name !== 'time')
  return assignFieldIds(
    own.map(({ name, type }) => ({ name, type })),
    firstFieldId,
  ).columns
}

function splitAll(bodies: readonly Buffer[], format: WireFormat, known: readonly Column[]) {
  const all = bodies.map((bytes) => ({ bytes, format, timeColumn: null, receivedAtUs: 1_700_000_000_000_000 }))
  return splitter.split(all, known, splitLimits, 'evolve', columnMemory)
}

async function bareDuckdb(directory: string, known: readonly Column[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const connection = await instance.connect()
  const columns = ['time', ...known.map(({ name }) => name)].map((name) => {
    const type = known.find((column) => column.name === name)?.type.kind ?? 'bigint'
    return `"${name}": '${type}'`
  })
  const reading = `read_ndjson('${directory}/lines.ndjson', columns = {${columns.join(', ')}})`
  await connection.run(
    `copy (select * from ${reading}) to '${directory}/bare.parquet' (format parquet, compression zstd, compression_level 1)`,
  )
  connection.closeSync()
  instance.closeSync()
}
