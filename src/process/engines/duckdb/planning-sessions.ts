import type { OpenSession, Session } from '../../../base/duckdb/session.ts'
import { lockDown, openSession } from '../../../base/duckdb/session.ts'
import { computedNames, registerComputed } from './computed-functions.ts'
import { settingsFor } from './make-functions.ts'
import type { QueryMoment } from './tasks.ts'

/** Enough for the tree of a megabyte of SQL. */
const planningLimits = { memoryBytes: 512e6, threads: 1, temporaryBytes: 0, spillDirectory: null }

/**
 * Optimisers that would spoil the plan over stub tables: the first two see that these are empty, and cut away what would be
 * read; the others make plans that DuckDB 1.5 cannot serialise, and none of them moves filters to the scans.
 */
const disabledOptimizers = [
  'statistics_propagation',
  'empty_result_pullup',
  'late_materialization',
  'build_side_probe_side',
  'column_lifetime',
  'common_subplan',
  'compressed_materialization',
  'duplicate_groups',
  'join_filter_pushdown',
  'join_order',
  'limit_pushdown',
  'materialized_cte',
  'reorder_filter',
  'row_group_pruner',
  'sampling_pushdown',
  'top_n',
  'top_n_window_elimination',
  'window_self_join',
]

/**
 * Where queries are looked at, and none is run. Opening an instance takes 15 ms, more than all that is done in it, so each
 * serves one query after the other: it is locked and holds no data, and what is made for a query (stub tables, macros) is
 * made in a transaction that is rolled back. A text that fails costs it the instance: what that may have left behind is nothing
 * to the next one.
 */
export class PlanningSessions {
  readonly #idle = new Map<boolean, OpenSession[]>()

  async within<T>(
    { integerDivision = false }: Pick<QueryMoment, 'integerDivision'>,
    body: (session: Session) => Promise<T>,
  ): Promise<T> {
    const idle = this.#idle.get(integerDivision) ?? []
    this.#idle.set(integerDivision, idle)
    const session = idle.pop() ?? (await openPlanner(integerDivision))
    try {
      await session.run('begin')
      const looked = await body(session)
      await session.run('rollback; reset search_path')
      idle.push(session)
      return looked
    } catch (error) {
      session.close()
      throw error
    }
  }
}

async function openPlanner(integerDivision: boolean): Promise<OpenSession> {
  const session = await openSession(planningLimits)
  for (const name of computedNames) registerComputed(session, name)
  const settings = [`set disabled_optimizers = '${disabledOptimizers.join(',')}';`, ...settingsFor({ integerDivision })]
  await session.run(settings.join('\n'))
  await lockDown(session, [])
  return session
}
