import type { Clock } from '../../../base/clock.ts'
import type { EngineHandler } from '../../../base/engines/engines.ts'
import type { ParquetVersion } from '../../../base/parquet/version.ts'
import { parquetVersionDefault } from '../../../base/parquet/version.ts'
import { analyzeCondition, truthAtTimes } from '../../planning/analyze-condition.ts'
import { analyzeQuery } from '../../planning/analyze.ts'
import { planQuery } from '../../planning/plan.ts'
import { executeInWindow } from './execute-in-window.ts'
import { executeQuery } from './execute.ts'
import { FreshSessions } from './fresh-sessions.ts'
import { PlanningSessions } from './planning-sessions.ts'
import type { FormatRows } from './small-answer.ts'
import type { ConditionInput, EngineSql, ExecuteInput, PlanInput, TruthInput } from './tasks.ts'
import { analyzeTask, conditionTask, executeTask, planTask, truthTask } from './tasks.ts'
import { requireWholeFiles } from './whole-files.ts'
import { Windows } from './windows.ts'

/** What an engine process does for queries: for `serveEngine`, beside the handlers of other stages. */
export function queryEngineHandlers(
  clock: Clock,
  parquetVersion: ParquetVersion = parquetVersionDefault,
  formatRows: FormatRows = async () => undefined,
): Readonly<Record<string, EngineHandler>> {
  const sessions = new PlanningSessions()
  const windows = new Windows()
  const tools = { clock, parquetVersion, formatRows }
  const fresh = new FreshSessions()
  return {
    [analyzeTask]: (input: EngineSql) => analyzeQuery(input, sessions),
    [planTask]: (input: PlanInput) => planQuery(input, sessions),
    [conditionTask]: (input: ConditionInput) => analyzeCondition(input, sessions),
    [truthTask]: (input: TruthInput) => truthAtTimes(input, sessions),
    async [executeTask](input: ExecuteInput, context) {
      requireWholeFiles(input)
      const answer = await executeInWindow(input, windows, context, tools)
      return answer ?? (await executeQuery(input, fresh.lend, context, tools))
    },
  }
}
