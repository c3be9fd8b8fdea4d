import { quotedText } from '../../base/duckdb/session.ts'
import { AppError } from '../../base/errors.ts'
import { quotedName } from '../../store/types.ts'
import { engineFailure, queryError } from '../engines/duckdb/engine-errors.ts'
import type { ConditionAnalysis, ConditionInput, TruthInput } from '../engines/duckdb/tasks.ts'
import { macrosFor } from '../engines/duckdb/make-functions.ts'
import type { PlanningSessions } from '../engines/duckdb/planning-sessions.ts'
import { parseSelect, placed } from './analyze.ts'
import { isConvexInTime } from './convex-condition.ts'
import { isVolatileFunction } from './function-rules.ts'
import type { SyntaxNode } from './syntax-walk.ts'
import { byteOf, isNode, textOf } from './syntax-walk.ts'

/**
 * Looks at the condition of a DELETE, as an engine task: that the text is one SELECT over one table with a WHERE and nothing
 * behind it, and that the condition says the same of a row each time it is asked.
 */
export async function analyzeCondition(input: ConditionInput, sessions: PlanningSessions): Promise<ConditionAnalysis> {
  const { node } = await sessions.within({}, (session) => parseSelect(session, input))
  const condition = placed(input, () => requireCondition(node))
  return { isConvexInTime: isConvexInTime(condition, input.alias) }
}

/** At which of the times the condition, which names no other column, is true; also an engine task. */
export async function truthAtTimes(input: TruthInput, sessions: PlanningSessions): Promise<boolean[]> {
  return await sessions.within(input, async (session) => {
    const macros = macrosFor(input)
    if (macros.length > 0) await session.run(macros.join('\n'))
    const prefix = 'select coalesce(cast(('
    const times = `unnest(${quotedText(`[${input.times.join(',')}]`)}::bigint[])`
    try {
      const rows = await session.rows(
        `${prefix}${input.sql}\n) as boolean), false) from (select ${times} as time) as ${quotedName(input.alias)}`,
      )
      return rows.map(([isTrue]) => isTrue === true)
    } catch (error) {
      const failure = engineFailure(error)
      throw failure === undefined ? error : queryError(failure, input, Buffer.byteLength(prefix))
    }
  })
}

function requireCondition(node: unknown): SyntaxNode {
  const condition = isNode(node) && isPlainFilter(node) ? node['where_clause'] : undefined
  if (!isNode(condition)) {
    throw new AppError('query_syntax', 'Behind WHERE there is more than a condition.', {
      hint: 'DELETE FROM table WHERE condition takes no GROUP BY, ORDER BY or LIMIT; put a query in parentheses: id IN (SELECT …).',
      position: { offset: 0 },
    })
  }
  requireStable(condition)
  return condition
}

function isPlainFilter(node: SyntaxNode): boolean {
  const isEmpty = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0)
  const nothing = ['modifiers', 'group_expressions', 'group_sets', 'having', 'qualify', 'sample'] as const
  return node['type'] === 'SELECT_NODE' && nothing.every((part) => isEmpty(node[part]))
}

/** Rows are chosen more than once: when they are counted, and when what stays is written. */
function requireStable(condition: SyntaxNode): void {
  const stack: unknown[] = [condition]
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (Array.isArray(value)) stack.push(...(value as readonly unknown[]).filter(isNode))
    if (!isNode(value)) continue
    const name = value['class'] === 'FUNCTION' ? textOf(value, 'function_name') : ''
    if (isVolatileFunction(name)) throw unstable(`The function ${name}()`, value)
    if (isNode(value['sample'])) throw unstable('TABLESAMPLE', value)
    stack.push(...Object.values(value).filter((item) => typeof item === 'object' && item !== null))
  }
}

function unstable(what: string, node: SyntaxNode): AppError {
  return new AppError(
    'function_not_allowed',
    `${what} answers otherwise each time, and cannot say which rows to delete.`,
    {
      hint: 'Choose the rows first: CREATE TABLE chosen AS SELECT …, then DELETE … WHERE id IN (SELECT id FROM chosen).',
      position: { offset: byteOf(node) },
    },
  )
}
