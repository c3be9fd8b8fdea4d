/** What a table is said to hold, in the plainest terms there are. */
export type Raw = number | string

export type ModelType = 'bigint' | 'varchar'

interface ModelRow {
  readonly time: number
  /** As they came, by the names that their columns have now. */
  readonly values: ReadonlyMap<string, Raw>
}

/** A table as its senders and its users understand it; `id` is a column of the same kind in every row. */
export class ModelTable {
  readonly columns: ReadonlyMap<string, ModelType>
  readonly rows: ReadonlyMap<number, ModelRow>

  constructor(columns: ReadonlyMap<string, ModelType> = new Map(), rows: ReadonlyMap<number, ModelRow> = new Map()) {
    this.columns = columns
    this.rows = rows
  }

  /** A key without a column makes one: of integers, or else of text. */
  import(
    records: readonly (Readonly<Record<string, Raw>> & { readonly id: number; readonly time: number })[],
  ): ModelTable {
    const columns = new Map(this.columns)
    for (const key of new Set(records.flatMap((record) => Object.keys(record)))) {
      if (key === 'id' || key === 'time' || columns.has(key)) continue
      const isOfIntegers = records.every((record) => record[key] === undefined || typeof record[key] === 'number')
      columns.set(key, isOfIntegers ? 'bigint' : 'varchar')
    }
    return new ModelTable(columns, new Map([...this.rows, ...records.map(rowOf)]))
  }

  where(keeps: (row: ModelRow, id: number, shown: ReadonlyMap<string, string>) => boolean): ModelTable {
    const kept = [...this.rows].filter(([id, row]) => keeps(row, id, this.shown(row)))
    return new ModelTable(this.columns, new Map(kept))
  }

  addColumn(name: string, type: ModelType): ModelTable {
    return new ModelTable(new Map([...this.columns, [name, type]]), this.rows)
  }

  retype(name: string, type: ModelType): ModelTable {
    return this.addColumn(name, type)
  }

  rename(name: string, to: string): ModelTable {
    const moved = <T>(entries: Iterable<[string, T]>) =>
      new Map([...entries].map(([key, value]): [string, T] => [key === name ? to : key, value]))
    const rows = [...this.rows].map(([id, row]): [number, ModelRow] => [id, { ...row, values: moved(row.values) }])
    return new ModelTable(moved(this.columns), new Map(rows))
  }

  drop(name: string): ModelTable {
    const without = <T>(entries: Iterable<[string, T]>) => new Map([...entries].filter(([key]) => key !== name))
    const rows = [...this.rows].map(([id, row]): [number, ModelRow] => [id, { ...row, values: without(row.values) }])
    return new ModelTable(without(this.columns), new Map(rows))
  }

  /** The values that fit their columns, as text. */
  shown(row: ModelRow): ReadonlyMap<string, string> {
    const entries = [...row.values].filter(([name, raw]) => this.#fits(name, raw))
    return new Map(entries.map(([name, raw]) => [name, String(raw)]))
  }

  /** What a scan is to show: rows by id, each value as text. */
  scanned(): unknown {
    const columns = ['_rescued', 'id', 'time', 'time_us', ...this.columns.keys()].toSorted()
    const rows = [...this.rows].toSorted(([a], [b]) => a - b)
    return {
      columns,
      rows: rows.map(([id, row]) => {
        const rescued = [...row.values].filter(([name, raw]) => !this.#fits(name, raw))
        return {
          id: String(id),
          time: String(row.time),
          ...Object.fromEntries(this.shown(row)),
          ...(rescued.length > 0 && {
            _rescued: Object.fromEntries(rescued.map(([name, raw]) => [name, JSON.stringify(raw)])),
          }),
        }
      }),
    }
  }

  #fits(name: string, raw: Raw): boolean {
    return this.columns.get(name) === 'varchar' || /^(0|-?[1-9]\d*)$/.test(String(raw))
  }
}

function rowOf({
  id,
  time,
  ...values
}: Readonly<Record<string, Raw>> & { readonly id: number; readonly time: number }): [number, ModelRow] {
  return [id, { time, values: new Map(Object.entries(values)) }]
}
