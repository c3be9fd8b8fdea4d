import { must } from '../../base/errors.ts'
import { assignFieldIds, fixedColumns, queryColumns, withFixedColumns } from '../../store/columns.ts'
import type { Column } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'

/** A column as a file has it: `name` is the one by which SQL reaches it, so that no two differ by case alone. */
export type FileColumn = Column

/** A table as it will be once the bodies are committed: its columns, and those that the bodies add. */
export class TableDraft {
  readonly #known: readonly Column[]
  #added: Column[] = []
  #nextFieldId: number

  constructor(columns: readonly Column[], nextFieldId: number) {
    this.#known = columns
    this.#nextFieldId = nextFieldId
  }

  /** All columns but the fixed ones. */
  get columns(): readonly Column[] {
    return [...this.#known, ...this.#added]
  }

  get newColumns(): readonly Column[] {
    return this.#added
  }

  /** The columns of these names, of which those that the table lacks are added with the types they come with. */
  resolve(columns: readonly { readonly name: string; readonly type: LogicalType }[]): FileColumn[] {
    const known = new Map([...fixedColumns, ...this.columns].map((column) => [column.name, column]))
    const missing = columns.filter(({ name }) => !known.has(name)).map(({ name, type }) => ({ name, type }))
    const assigned = assignFieldIds(missing, this.#nextFieldId)
    this.#nextFieldId = assigned.nextFieldId
    this.#added = [...this.#added, ...assigned.columns]
    for (const column of assigned.columns) known.set(column.name, column)
    const names = new Map(
      queryColumns(withFixedColumns(this.columns)).map(({ column, queryName }) => [column.fieldId, queryName]),
    )
    return columns.map(({ name }) => {
      const column = must(known.get(name), 'every column was resolved')
      return { ...column, name: must(names.get(column.fieldId), 'every column has a name in SQL') }
    })
  }
}
