import { AppError } from '../../../base/errors.ts'
import type { AsOf } from '../../../store/store.ts'
import { quotedName } from '../../../store/types.ts'
import { placeAt } from '../places.ts'
import type { StandInTable } from '../statement.ts'
import { standInDatabase } from '../statement.ts'
import type { Token } from '../tokens.ts'

/** SQL in which tables as they were are called by stand-ins: of the same length, so that every place in it stays. */
export interface PresentText {
  readonly text: string
  readonly standIns: readonly StandInTable[]
}

/**
 * Replaces `t FOR VERSION AS OF 12 [SINCE 9]` and `t FOR TIMESTAMP AS OF TIMESTAMP '…'` by `"@"."0" AS t`, wherever they
 * stand. Only marks and names are looked at: whether a table can stand there is found out by DuckDB's parser.
 */
export function presentText(sql: string, tokens: readonly Token[]): PresentText {
  const standIns: StandInTable[] = []
  const pieces: string[] = []
  let copied = 0
  for (const at of tokens.keys()) {
    if (!isAsOf(tokens, at)) continue
    const clause = readClause(sql, tokens, at)
    const standIn = { database: standInDatabase, name: String(standIns.length) } as const
    const { table } = clause
    const { since } = clause
    standIns.push({ standIn, table, asOf: clause.asOf, ...(since !== undefined && { since }) })
    const name = `${quotedName(standInDatabase)}.${quotedName(standIn.name)}`
    const called = clause.hasAlias ? name : `${name} AS ${clause.writtenName}`
    pieces.push(sql.slice(copied, table.offset), called.padEnd(clause.end - table.offset))
    copied = clause.end
  }
  return { text: pieces.join('') + sql.slice(copied), standIns }
}

const kinds: ReadonlyMap<string, 'snapshot' | 'time'> = new Map([
  ['version', 'snapshot'],
  ['system_version', 'snapshot'],
  ['timestamp', 'time'],
  ['system_time', 'time'],
])

function isAsOf(tokens: readonly Token[], at: number): boolean {
  return (
    wordAt(tokens, at) === 'for' &&
    kinds.has(wordAt(tokens, at + 1)) &&
    wordAt(tokens, at + 2) === 'as' &&
    wordAt(tokens, at + 3) === 'of'
  )
}

interface Clause {
  readonly table: StandInTable['table']
  readonly asOf: AsOf
  readonly since: number | undefined
  /** The last part of the table's name, with its quotes. */
  readonly writtenName: string
  readonly end: number
  readonly hasAlias: boolean
}

/** The clause whose FOR is the token `at`: the name before it, and the moment behind it. */
function readClause(sql: string, tokens: readonly Token[], at: number): Clause {
  const name = nameAt(tokens, at - 1)
  if (name === undefined) throw malformed(sql, tokens[at], 'FOR … AS OF stands behind the name of a table.')
  const database = isMark(tokens[at - 2], '.') ? nameAt(tokens, at - 3) : null
  if (database === undefined || (database !== null && isMark(tokens[at - 4], '.'))) {
    throw malformed(sql, tokens[at - 2], 'Names of tables have at most two parts: database.table.')
  }
  const moment =
    kinds.get(wordAt(tokens, at + 1)) === 'snapshot' ? snapshotAt(sql, tokens, at + 4) : timeAt(sql, tokens, at + 4)
  const before = database === null ? at - 2 : at - 4
  return {
    table: {
      database: database?.value ?? null,
      name: name.value,
      offset: (database ?? name).start,
    },
    asOf: moment.asOf,
    since: moment.since,
    writtenName: sql.slice(name.start, name.end),
    end: tokens[moment.next - 1]?.end ?? sql.length,
    hasAlias: withoutAlias.has(wordAt(tokens, before)) || isAlias(tokens, moment.next),
  }
}

interface Moment {
  readonly asOf: AsOf
  readonly since?: number
  /** The first token behind it. */
  readonly next: number
}

function snapshotAt(sql: string, tokens: readonly Token[], at: number): Moment {
  const snapshot = numberAt(sql, tokens, at)
  if (wordAt(tokens, at + 1) !== 'since') return { asOf: { snapshot }, next: at + 1 }
  return { asOf: { snapshot }, since: numberAt(sql, tokens, at + 2), next: at + 3 }
}

function numberAt(sql: string, tokens: readonly Token[], at: number): number {
  const token = tokens[at]
  const snapshot = Number(token?.value)
  if (token?.kind === 'number' && Number.isSafeInteger(snapshot)) return snapshot
  throw malformed(sql, token, 'The version of a table is the number of a snapshot: t FOR VERSION AS OF 12.')
}

function timeAt(sql: string, tokens: readonly Token[], at: number): Moment {
  const literal = ['timestamp', 'date'].includes(wordAt(tokens, at)) ? at + 1 : at
  const token = tokens[literal]
  const time = token === undefined ? undefined : timeOf(token)
  if (time !== undefined) return { asOf: { time }, next: literal + 1 }
  throw malformed(
    sql,
    token,
    "The time is a text, in UTC unless it names a zone, or unix seconds: t FOR TIMESTAMP AS OF TIMESTAMP '2026-01-31 12:00:00'.",
  )
}

const timePattern =
  /^'(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?'$/i

function timeOf({ kind, value }: Token): Date | undefined {
  const time = kind === 'number' ? new Date(Number(value) * 1000) : kind === 'text' ? timeOfText(value) : undefined
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time
}

function timeOfText(text: string): Date | undefined {
  const [found, date, clock = '00:00', zone = 'Z'] = timePattern.exec(text) ?? []
  if (found === undefined) return undefined
  const [offset, hours, minutes = '00'] = /^([+-]\d{2}):?(\d{2})?$/.exec(zone) ?? []
  return new Date(`${date}T${clock}${offset === undefined ? 'Z' : `${hours}:${minutes}`}`)
}

/** SUMMARIZE t and TABLE t name a table and nothing more. */
const withoutAlias: ReadonlySet<string> = new Set(['summarize', 'table'])

/** The words that can follow a table. Every other one is its alias. */
const wordsBehindTables: ReadonlySet<string> = new Set(
  `anti asof cross except for full group having inner intersect join left limit natural offset on order pivot positional
   qualify right sample select semi tablesample union unpivot using where window`.split(/\s+/),
)

function isAlias(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]
  if (token?.kind === 'word') return !wordsBehindTables.has(token.value.toLowerCase())
  return token?.kind === 'quoted'
}

/** The keyword at a place, in lower case; empty where there is none. */
function wordAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at]
  return token?.kind === 'word' ? token.value.toLowerCase() : ''
}

function nameAt(tokens: readonly Token[], at: number): Token | undefined {
  const token = tokens[at]
  return token?.kind === 'word' || token?.kind === 'quoted' ? token : undefined
}

function isMark(token: Token | undefined, mark: string): boolean {
  return token?.kind === 'mark' && token.value === mark
}

function malformed(sql: string, token: Token | undefined, hint: string): AppError {
  const found = token === undefined ? 'the end' : JSON.stringify(token.value.slice(0, 60))
  return new AppError('query_syntax', `The SQL asks for a table as it was, and has ${found} where that cannot be.`, {
    hint,
    position: placeAt(sql, token?.start ?? sql.length),
  })
}
