import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { must } from '../../base/errors.ts'
import { fieldIdsClause, firstFieldId, isFixedColumn, queryColumns, withFixedColumns } from '../columns.ts'
import type { Column, NewChunk } from '../store.ts'
import type { LogicalType } from '../types.ts'
import type { ColumnVersion } from './changes.ts'
import { groupChunks, schemaChanges } from './changes.ts'
import { projectedScan } from './projection.ts'
import type { ImportedFiles } from './testing/imported-files.ts'
import { openImportedFiles } from './testing/imported-files.ts'
import type { Kept } from './testing/kept-values.ts'
import { expectedValues, importedValues, keptRows } from './testing/kept-values.ts'

let files: ImportedFiles

beforeAll(async () => {
  files = await openImportedFiles()
})
afterAll(() => files.close())

/** A row as text: the cells of the table's own columns by field id, and what is rescued by name. */
interface Row {
  readonly time: string
  readonly cells: Map<number, string | null>
  readonly rescued: Map<string, string>
}

interface File extends Pick<NewChunk, 'statistics' | 'rows'> {
  readonly path: string
  readonly schemaVersion: number
}

/** A table whose every row is kept up to date by itself, beside the files that were written at one time or another. */
class Model {
  version = 1
  columns: Column[] = []
  rows: Row[] = []
  files: File[] = []
  #nextFieldId = firstFieldId
  #history: ColumnVersion[] = []
  #time = 0

  async import(records: readonly Readonly<Record<string, string>>[]): Promise<void> {
    const lines = records.map((record) => {
      const fields = Object.entries({ time: String((this.#time += 1)), ...record })
      return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`
    })
    const options = { format: 'ndjson', known: this.columns, nextFieldId: this.#nextFieldId } as const
    const { newColumns, path, rows, statistics } = await files.write(lines.join('\n'), options)
    if (newColumns.length > 0) this.version += 1
    for (const column of newColumns) {
      this.#add(column, {})
      for (const { cells } of this.rows) cells.set(column.fieldId, null)
    }
    const file = { path, rows, statistics, schemaVersion: this.version }
    this.files.push(file)
    this.rows.push(...(await this.#read([file])))
  }

  /** The table as a query sees it. */
  read(): Promise<Row[]> {
    return this.#read(this.files)
  }

  /** Writes the rows of some files to another, for the columns that there are now. */
  async restate(from: number, count: number): Promise<void> {
    const chosen = this.files.slice(from, from + count)
    if (chosen.length === 0) return
    const path = files.newPath()
    const columns = withFixedColumns(this.columns)
    await files.session.run(
      `copy (${this.#scan(chosen, 'of files')}) to '${path}' (format parquet, field_ids ${fieldIdsClause(columns)})`,
    )
    // Statistics that say nothing: whatever the file holds may have to be read by later changes.
    const rows = chosen.reduce((sum, file) => sum + file.rows, 0)
    this.files.splice(from, chosen.length, { path, rows, statistics: {}, schemaVersion: this.version })
  }

  rename(index: number, to: string): void {
    const column = this.columns[index]
    if (column === undefined || this.#has(to)) return
    this.version += 1
    this.#close(column)
    this.#add({ ...column, name: to }, {})
    for (const { rescued } of this.rows) {
      const [one, other] = [rescued.get(column.name), rescued.get(to)]
      put(rescued, to, one ?? null)
      put(rescued, column.name, other ?? null)
    }
  }

  drop(index: number): void {
    const column = this.columns[index]
    if (column === undefined) return
    this.version += 1
    this.#close(column)
    for (const { cells, rescued } of this.rows) {
      cells.delete(column.fieldId)
      rescued.delete(column.name)
    }
  }

  async add(name: string, type: LogicalType): Promise<void> {
    if (this.#has(name)) return
    this.version += 1
    const column = { fieldId: this.#nextFieldId, name, type }
    this.#add(column, { restores: true })
    const texts = this.rows.map(({ rescued }) => rescued.get(name) ?? 'null')
    if (texts.length > 0) this.#set(column, await keptRows(files, await importedValues(files, texts, type)))
  }

  async retype(index: number, type: LogicalType): Promise<void> {
    const before = this.columns[index]
    if (before === undefined) return
    this.version += 1
    this.#close(before)
    const column = { fieldId: this.#nextFieldId, name: before.name, type }
    this.#add(column, { replaces: before.fieldId })
    const kept = this.rows.map(({ cells, rescued }): Kept => {
      return [cells.get(before.fieldId) ?? null, rescued.get(before.name) ?? null]
    })
    for (const { cells } of this.rows) cells.delete(before.fieldId)
    if (kept.length > 0) this.#set(column, await expectedValues(files, kept, before.type, type))
  }

  #set(column: Column, kept: readonly Kept[]): void {
    for (const [index, { cells, rescued }] of this.rows.entries()) {
      const [value, left] = must(kept[index], 'as many values as rows')
      cells.set(column.fieldId, value)
      put(rescued, column.name, left)
    }
  }

  #has(name: string): boolean {
    return this.columns.some((column) => column.name.toLowerCase() === name.toLowerCase())
  }

  #add(column: Column, how: { restores?: boolean; replaces?: number }): void {
    const { restores = false, replaces = null } = how
    this.#history.push({ ...column, addedVersion: this.version, removedVersion: null, replaces, restores })
    this.#nextFieldId = Math.max(this.#nextFieldId, column.fieldId + 1)
    this.columns = [...this.columns, column]
  }

  #close({ fieldId }: Column): void {
    this.columns = this.columns.filter((column) => column.fieldId !== fieldId)
    this.#history = this.#history.map((row) => {
      return row.fieldId === fieldId && row.removedVersion === null ? { ...row, removedVersion: this.version } : row
    })
  }

  #scan(of: readonly File[], types: 'of queries' | 'of files'): string {
    const groups = groupChunks(schemaChanges(this.#history, this.version), of)
    const columns = queryColumns(withFixedColumns(this.columns))
    return groups
      .map(({ changes, chunks }) => {
        return projectedScan(columns, { changes, files: chunks.map(({ path }) => path) }, types)
      })
      .join('\nunion all\n')
  }

  async #read(of: readonly File[]): Promise<Row[]> {
    if (of.length === 0) return []
    const columns = queryColumns(withFixedColumns(this.columns)).filter(({ column }) => !isFixedColumn(column))
    const cells = columns.map(({ queryName }) => `, "${queryName}"::varchar`)
    const select = `select time, to_json(_rescued)::varchar${cells.join('')} from (${this.#scan(of, 'of queries')}) order by time`
    const found = await files.session.rows(select)
    return found.map(([time, rescued, ...values]) => ({
      time: String(time),
      rescued: new Map(Object.entries((JSON.parse(String(rescued)) ?? {}) as Record<string, string>)),
      cells: new Map(columns.map(({ column }, index) => [column.fieldId, (values[index] as string | null) ?? null])),
    }))
  }
}

function put(rescued: Map<string, string>, name: string, text: string | null): void {
  if (text === null) rescued.delete(name)
  else rescued.set(name, text)
}

const anyName = fc.constantFrom('a', 'b', 'c', 'A', "it's")
const anyType = fc.oneof(
  fc
    .constantFrom('boolean', 'bigint', 'double', 'varchar', 'json', 'date', 'timestamp')
    .map((kind): LogicalType => ({ kind: kind as 'bigint' })),
  fc.constant<LogicalType>({ kind: 'decimal', precision: 9, scale: 2 }),
)
const anyValue = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }).map(String),
  fc.constantFrom('"200"', '"abc"', '1.5', '1.50', '9007199254740993', 'true', '"true"', '[1]', '{"a":"b"}', 'null'),
  fc.constantFrom('"2024-02-29"', '"2024-02-29T00:00:00.1234567Z"', '"\\ud83d"', '1e300', '""', '"0200"'),
)
const anyRecords = fc.array(fc.dictionary(anyName, anyValue, { maxKeys: 4 }), { minLength: 1, maxLength: 5 })
const anyIndex = fc.nat(4)

const anyStep: fc.Arbitrary<(model: Model) => void | Promise<void>> = fc.oneof(
  { weight: 3, arbitrary: anyRecords.map((records) => (model: Model) => model.import(records)) },
  { weight: 2, arbitrary: fc.tuple(anyIndex, anyName).map((change) => (model: Model) => model.rename(...change)) },
  { weight: 1, arbitrary: anyIndex.map((index) => (model: Model) => model.drop(index)) },
  { weight: 2, arbitrary: fc.tuple(anyName, anyType).map((change) => (model: Model) => model.add(...change)) },
  { weight: 3, arbitrary: fc.tuple(anyIndex, anyType).map((change) => (model: Model) => model.retype(...change)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(3), fc.nat(3)).map((range) => (model: Model) => model.restate(...range)),
  },
)

describe('a scan of files of many versions', () => {
  it('gives each row as if every change had been made to it at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 2, maxLength: 14 }), async (steps) => {
        const model = new Model()
        for (const step of steps) {
          await step(model)
          expect(await model.read()).toEqual(model.rows)
        }
      }),
      { numRuns: 25 },
    )
  })
})
