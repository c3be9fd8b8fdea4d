import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { serveEngine } from '../base/engines/serve-engine.ts'
import { convertHandler } from '../collect/convert/convert-task.ts'
import { convertTask } from '../collect/convert/tasks.ts'
import { createSplitter } from '../collect/split/split.ts'
import { exportTask } from '../deliver/exports/export-input.ts'
import { writeExport } from '../deliver/exports/export-task.ts'
import { formatTask } from '../deliver/format-input.ts'
import { formatHandler } from '../deliver/format-task.ts'
import { queryEngineHandlers } from '../process/engines/duckdb/handlers.ts'
import { mergeFiles } from '../store/merge/merge-files.ts'
import { mergeTask } from '../store/merge/tasks.ts'
import { restateFiles } from '../store/schema/restate-files.ts'
import { restateTask } from '../store/schema/tasks.ts'
import { checkFiles } from '../store/verify/check-files.ts'
import { checkTask } from '../store/verify/tasks.ts'

/** The entry of the engine processes: the only place where DuckDB runs. */
serveEngine({
  ...queryEngineHandlers(systemClock),
  [convertTask]: convertHandler(createSplitter(), systemDisk),
  [formatTask]: formatHandler(),
  [exportTask]: writeExport,
  [mergeTask]: mergeFiles,
  [restateTask]: restateFiles,
  [checkTask]: checkFiles,
})
