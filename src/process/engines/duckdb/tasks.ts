import type { CopiedFile } from '../../../base/duckdb/copied-file.ts'
import type { AnswerColumn } from '../../../store/assignment.ts'
import type { ChunkCondition, SummaryItem } from '../../../store/conditions.ts'
import type { TimeRange } from '../../../store/store.ts'
import type { QueryColumn } from '../../../store/columns.ts'
import type { ScannedFiles } from '../../../store/schema/projection.ts'

/**
 * What query jobs ask of engine processes, and what these answer. Everything here crosses the border between two
 * processes and is plain data.
 */
export const analyzeTask = 'query.analyze'
export const planTask = 'query.plan'
export const executeTask = 'query.execute'
export const conditionTask = 'query.condition'
export const truthTask = 'query.truth'

/** SQL that is one SELECT, as it stands in the user's text. */
export interface EngineSql {
  readonly sql: string
  /** What errors count their positions in: the whole text, and where `sql` begins in it. */
  readonly whole: string
  readonly offset: number
}

/** A table that the SQL names; `database` is null where the query's own is meant. */
export interface AnalyzedTable {
  readonly database: string | null
  readonly name: string
  /** Characters from the beginning of the whole text. */
  readonly offset: number
}

export interface Analysis {
  readonly tables: readonly AnalyzedTable[]
}

/** SQL that selects the rows to which a condition applies, of a table under the name `alias`. */
export interface ConditionInput extends EngineSql {
  readonly alias: string
}

export interface ConditionAnalysis {
  /** See `isConvexInTime`. */
  readonly isConvexInTime: boolean
}

/** `sql` is the condition alone. */
export interface TruthInput extends ConditionInput, QueryMoment {
  /** Unix seconds. */
  readonly times: readonly number[]
}

export interface EngineTable {
  readonly database: string
  readonly name: string
  readonly columns: readonly QueryColumn[]
}

/** What the functions of time answer with, so that the plan and the run see one moment. */
export interface QueryMoment {
  /** Microseconds since the epoch: `now()`. */
  readonly nowUs: number
  /** Unix seconds: `TD_SCHEDULED_TIME()`. */
  readonly scheduledSeconds: number
  /** Whether a division of whole numbers gives a whole number: 7 / 2 is 3 to Presto. */
  readonly integerDivision?: boolean
}

export interface PlanInput extends EngineSql, QueryMoment {
  readonly database: string | null
  readonly tables: readonly EngineTable[]
  /** Whether DuckDB's own plan is wanted as text. */
  readonly explain: boolean
}

/** A column of the answer. */
export type PlannedColumn = AnswerColumn

/** What the plan reads of one table, over all places in which it stands. */
export interface PlannedScan {
  readonly database: string
  readonly table: string
  /** Names as in the SQL. */
  readonly columns: readonly string[]
  /** In order and disjoint; a row outside of them has no part in the answer. */
  readonly ranges: readonly TimeRange[]
  /** What else such a row fulfils, as far as statistics can be asked for it. */
  readonly condition: ChunkCondition
  /** Filters by which no chunk can be left out, as text. */
  readonly notUnderstood: readonly string[]
}

/** A plan that does not need all that it scans of its only table. All rows of the scan's times have a part in its answer. */
export type Shortcut =
  /** The columns of the answer, of one row. */
  | { readonly kind: 'summary'; readonly items: readonly SummaryItem[] }
  /** Any rows will do, if they are so many. */
  | { readonly kind: 'some_rows'; readonly rows: number }

export interface Plan {
  readonly columns: readonly PlannedColumn[]
  /** One for each table of the input. */
  readonly scans: readonly PlannedScan[]
  readonly shortcut: Shortcut | null
  readonly isOnePass: boolean
  /** Whether the same text means something else at another moment. */
  readonly dependsOnMoment: boolean
  /** Lines of DuckDB's plan; empty unless asked for. */
  readonly explained: readonly string[]
}

export interface ExecuteInput extends EngineSql, QueryMoment {
  readonly database: string | null
  readonly tables: readonly (EngineTable & { readonly scans: readonly ScannedFiles[] })[]
  /** Each place in which the SQL names a table. */
  readonly references: readonly AnalyzedTable[]
  /** Of the files of all tables, one after the other, how large each has to be. */
  readonly sizes: readonly number[]
  /** Expressions over c0, c1 … (the columns of the SQL) with their names: the columns of the file. */
  readonly projection: readonly { readonly expression: string; readonly name: string }[]
  readonly columnCount: number
  /** The value of FIELD_IDS; null for results, whose columns have none. */
  readonly fieldIds: string | null
  /** The file; where files have a size, the directory for them. */
  readonly path: string
  /** About this many bytes, and then the next file begins; null for one file of any size. */
  readonly fileBytes: number | null
  readonly spillDirectory: string
  readonly limits: EngineLimits
  /** What the columns of an answer are that may be small enough to come back by itself; null where DuckDB is to write it whatever its size. */
  readonly small: SmallAnswerTerms | null
  /** For an instance that served the owner before and will again; null for one that serves nobody else. */
  readonly kept: KeptTerms | null
}

export interface SmallAnswerTerms {
  readonly columns: readonly SmallAnswerColumn[]
  /** In which the answer will be read; null where nobody said so. */
  readonly format: string | null
}

export type SmallAnswerColumn = Pick<PlannedColumn, 'name' | 'type'>

/** The file of an answer, before anybody has stored it. */
export interface SmallAnswer {
  readonly rows: number
  readonly bytes: Uint8Array
  readonly ready: ReadyFormat | null
}

/** Where in the file of an answer it lies in another format, as a whole. */
export interface ReadyFormat {
  readonly format: string
  /** From, inclusive; to, exclusive. */
  readonly from: number
  readonly to: number
}

export interface KeptTerms {
  /** Whoever meets nothing worse than what they left behind themselves. */
  readonly owner: string
  /** For the windows of all engine processes of one worker: on the disk of what is read and written, if it is to be used. */
  readonly windows: string
}

export interface EngineLimits {
  /** What DuckDB allocates before it spills. */
  readonly memoryBytes: number
  readonly temporaryBytes: number
  readonly threads: number
}

/** Below the path, where files have a size: DuckDB may write what lies in an allowed directory, and not the directory itself. */
export const filesDirectory = 'files'

export interface Execution {
  readonly rows: number
  readonly bytes: number
  /** None without rows where files have a size, or where the answer came back by itself; otherwise the one. */
  readonly files: readonly CopiedFile[]
  readonly small?: SmallAnswer
}

/** What a running engine tells of itself; null where DuckDB cannot say. */
export interface ExecutionProgress {
  readonly percent: number | null
}
