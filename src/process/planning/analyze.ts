import { AppError } from '../../base/errors.ts'
import { engineFailure, failureOf, queryError } from '../engines/duckdb/engine-errors.ts'
import type { Session } from '../../base/duckdb/session.ts'
import { quotedText } from '../../base/duckdb/session.ts'
import type { PlanningSessions } from '../engines/duckdb/planning-sessions.ts'
import type { Analysis, EngineSql } from '../engines/duckdb/tasks.ts'
import { characterOfByte, placeAt } from './places.ts'
import type { NamedTable, SyntaxNode } from './syntax-walk.ts'
import { walkSyntax } from './syntax-walk.ts'

/**
 * The first look at a query, as an engine task, because parsing hostile text is dangerous work: that it is one SELECT and
 * nothing else, that it uses nothing which is closed to queries, and which tables it names. Judged on the tree that
 * DuckDB's own parser makes, never on the text.
 */
export async function analyzeQuery(text: EngineSql, sessions: PlanningSessions): Promise<Analysis> {
  const statement = await sessions.within({}, (session) => parseSelect(session, text))
  const tables = placed(text, () => walkSyntax(statement))
  return { tables: tables.map((table) => analyzedTable(table, text)) }
}

interface Serialized {
  readonly error: boolean
  readonly statements?: readonly SyntaxNode[]
}

/** The tree of the text, which has to be one SELECT. */
export async function parseSelect(session: Session, text: EngineSql): Promise<SyntaxNode> {
  const json = await serialized(session, text)
  const parsed = JSON.parse(json) as Serialized & Readonly<Record<string, unknown>>
  if (parsed.error) {
    const failure = failureOf(parsed)
    throw failure.type === 'not implemented' ? notSelect(text) : queryError(failure, text)
  }
  const [statement, ...more] = parsed.statements ?? []
  if (statement === undefined || more.length > 0) throw notOne(text)
  return statement
}

async function serialized(session: Session, text: EngineSql): Promise<string> {
  try {
    const [row] = await session.rows(`select json_serialize_sql(${quotedText(text.sql)})`)
    return String(row?.[0])
  } catch (error) {
    const failure = engineFailure(error)
    throw failure === undefined ? error : queryError(failure, text)
  }
}

function analyzedTable(table: NamedTable, text: EngineSql): Analysis['tables'][number] {
  const offset = text.offset + (characterOfByte(text.sql, table.byte) ?? 0)
  if (table.catalog !== '') {
    const name = [table.catalog, table.database, table.name].join('.')
    throw new AppError('table_not_found', `The table ${JSON.stringify(name)} does not exist.`, {
      hint: 'Names of tables have at most two parts: database.table.',
      position: placeAt(text.whole, offset),
    })
  }
  return { database: table.database === '' ? null : table.database, name: table.name, offset }
}

/** Turns the byte offsets of the walk's errors into places of the whole text. */
export function placed<T>(text: EngineSql, walk: () => T): T {
  try {
    return walk()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const character = characterOfByte(text.sql, error.position?.offset ?? 0) ?? 0
    throw AppError.fromRecord({ ...error.toRecord(), position: placeAt(text.whole, text.offset + character) })
  }
}

function notSelect(text: EngineSql): AppError {
  return new AppError('statement_not_allowed', 'The SQL holds a statement that is not a SELECT.', {
    hint: 'Send one statement at a time. WITH goes behind INSERT INTO … and CREATE TABLE … AS. PIVOT needs its values: ON a IN (…).',
    position: placeAt(text.whole, text.offset),
  })
}

function notOne(text: EngineSql): AppError {
  return new AppError('statement_not_allowed', 'The SQL holds more than one statement.', {
    hint: 'Send one statement at a time, each as a query of its own.',
    position: placeAt(text.whole, text.offset),
  })
}
