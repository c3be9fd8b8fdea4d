import { AppError } from '../../base/errors.ts'
import { isForbiddenFunction, missingFunctionHint, tableFunctions } from './function-rules.ts'

/** A node of the tree that DuckDB's `json_serialize_sql` makes of a statement. */
export type SyntaxNode = Readonly<Record<string, unknown>>

/** A table that the statement names; `byte` counts UTF-8 bytes from the beginning of its text. */
export interface NamedTable {
  readonly catalog: string
  readonly database: string
  readonly name: string
  readonly byte: number
}

/** What may stand in FROM. Nodes of other kinds than these are refused, so that a new kind has to be looked at first. */
const tableReferences: ReadonlySet<string> = new Set([
  'BASE_TABLE',
  'SUBQUERY',
  'JOIN',
  'TABLE_FUNCTION',
  'EXPRESSION_LIST',
  'EMPTY',
  'PIVOT',
  'SHOW_REF',
])

const queryNodes: ReadonlySet<string> = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE', 'CTE_NODE'])

/** Names of common table expressions that can be seen from a place, in lower case. */
type Scope = ReadonlySet<string>

interface Visit {
  readonly value: unknown
  readonly scope: Scope
}

/**
 * Walks the parsed statement: the tables it names, common table expressions left out. Fails with
 * `statement_not_allowed` or `function_not_allowed` where it holds what queries may not use; the error's offset counts
 * bytes. The walk keeps its own stack, since expressions may nest a thousand levels deep.
 */
export function walkSyntax(statement: SyntaxNode): NamedTable[] {
  const tables: NamedTable[] = []
  const stack: Visit[] = [{ value: statement, scope: new Set() }]
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    const { value, scope } = visit
    if (Array.isArray(value)) for (const item of value) stack.push({ value: item, scope })
    else if (isNode(value)) stack.push(...visitNode(value, scope, tables))
  }
  return tables.toSorted((a, b) => a.byte - b.byte)
}

/** Checks one node, and answers with what is to be visited inside of it. */
function visitNode(node: SyntaxNode, scope: Scope, tables: NamedTable[]): Visit[] {
  if (isTableReference(node)) {
    checkTableReference(node)
    if (node['type'] === 'BASE_TABLE') tables.push(...namedTable(node, scope))
  }
  if (node['class'] === 'FUNCTION' || node['class'] === 'WINDOW') checkFunction(node)
  if (node['class'] === 'PARAMETER') throw parameterNotAllowed(node)
  if ('cte_map' in node) return visitQuery(node, scope)
  return Object.values(node).map((value) => ({ value, scope }))
}

/** The parts of a query see its common table expressions; each of these sees the ones before it. */
function visitQuery(node: SyntaxNode, scope: Scope): Visit[] {
  if (!queryNodes.has(textOf(node, 'type'))) throw notAllowed(`${textOf(node, 'type')} cannot stand in a query.`, node)
  const inside = new Set(scope)
  if (node['type'] === 'RECURSIVE_CTE_NODE' || node['type'] === 'CTE_NODE')
    inside.add(nameOf(node, 'ctename', 'cte_name'))
  const visits: Visit[] = []
  for (const [name, definition] of commonTables(node)) {
    visits.push({ value: definition, scope: new Set(inside) })
    inside.add(name.toLowerCase())
  }
  for (const [key, value] of Object.entries(node)) if (key !== 'cte_map') visits.push({ value, scope: inside })
  return visits
}

function commonTables(node: SyntaxNode): [name: string, definition: unknown][] {
  const { map } = node['cte_map'] as { map?: readonly { key: string; value: unknown }[] }
  return (map ?? []).map(({ key, value }) => [key, value])
}

/** Table references are told by what all of them carry and no expression does. */
function isTableReference(node: SyntaxNode): boolean {
  return 'sample' in node && 'alias' in node && !('class' in node) && !('cte_map' in node)
}

function checkTableReference(node: SyntaxNode): void {
  const type = textOf(node, 'type')
  if (!tableReferences.has(type)) throw notAllowed(`${type} cannot stand in FROM.`, node)
  if (type === 'SHOW_REF' && !isNode(node['query'])) {
    throw notAllowed('SHOW cannot stand inside of a query.', node)
  }
  if (type !== 'TABLE_FUNCTION') return
  const call = node['function']
  const name = isNode(call) ? textOf(call, 'function_name') : ''
  if (!isNode(call) || call['class'] !== 'FUNCTION' || !tableFunctions.has(name.toLowerCase())) {
    throw functionNotAllowed(name, node, `In FROM stand tables, and the functions ${[...tableFunctions].join(', ')}.`)
  }
}

function checkFunction(node: SyntaxNode): void {
  const name = textOf(node, 'function_name')
  const hint = missingFunctionHint(name)
  if (hint !== undefined) {
    const message = `The function ${name}() is not there.`
    throw new AppError('query_semantic', message, { hint, position: { offset: byteOf(node) } })
  }
  if (!isForbiddenFunction(name)) return
  throw functionNotAllowed(name, node, 'Queries see the data, and nothing of the engine and the machine it runs on.')
}

function namedTable(node: SyntaxNode, scope: Scope): NamedTable[] {
  const table = {
    catalog: textOf(node, 'catalog_name'),
    database: textOf(node, 'schema_name'),
    name: textOf(node, 'table_name'),
    byte: byteOf(node),
  }
  const isCommonTable = table.catalog === '' && table.database === '' && scope.has(table.name.toLowerCase())
  return isCommonTable ? [] : [table]
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function textOf(node: SyntaxNode, key: string): string {
  const value = node[key]
  return typeof value === 'string' ? value : ''
}

function nameOf(node: SyntaxNode, ...keys: readonly string[]): string {
  return (keys.map((key) => textOf(node, key)).find((name) => name !== '') ?? '').toLowerCase()
}

/** Where a node begins; DuckDB writes 2⁶⁴ − 1 where it does not know. */
export function byteOf(node: SyntaxNode): number {
  const location = node['query_location']
  return typeof location === 'number' && Number.isSafeInteger(location) ? location : 0
}

function notAllowed(message: string, node: SyntaxNode): AppError {
  return new AppError('statement_not_allowed', message, {
    hint: 'A query reads tables with SELECT; docs/sql.md tells what it may use.',
    position: { offset: byteOf(node) },
  })
}

function functionNotAllowed(name: string, node: SyntaxNode, hint: string): AppError {
  return new AppError('function_not_allowed', `The function ${name}() is not open to queries.`, {
    hint,
    position: { offset: byteOf(node) },
  })
}

function parameterNotAllowed(node: SyntaxNode): AppError {
  return new AppError('query_semantic', 'The SQL has a parameter without a value.', {
    hint: 'Write the value into the SQL instead of ? or $1.',
    position: { offset: byteOf(node) },
  })
}
