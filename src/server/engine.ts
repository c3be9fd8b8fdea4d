import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { serveEngine } from '../base/engines/serve-engine.ts'
import { convertHandler } from '../collect/convert/convert-task.ts'
import { answerConversions } from '../collect/convert/message.ts'
import { convertTask } from '../collect/convert/tasks.ts'
import { createSplitter } from '../collect/split/split.ts'
import { exportTask } from '../deliver/exports/export-input.ts'
import { exportHandler } from '../deliver/exports/export-task.ts'
import { formatRows } from '../deliver/format-rows.ts'
import { formatTask } from '../deliver/format-input.ts'
import { formatHandler } from '../deliver/format-task.ts'
import { queryEngineHandlers } from '../process/engines/duckdb/handlers.ts'
import { storeEngineHandlers } from '../store/engine-handlers.ts'
import { nativeEncoder, nativeGunzip, nativeLane } from './native-modules.ts'
import { settingsOfRole } from './role-settings.ts'

const { parquetVersion } = settingsOfRole()

/** The entry of the engine processes: the only place where DuckDB runs. */
serveEngine({
  ...queryEngineHandlers(systemClock, parquetVersion, formatRows),
  ...storeEngineHandlers(systemDisk, parquetVersion),
  [convertTask]: answerConversions(
    convertHandler({
      splitter: createSplitter({ native: nativeLane() }),
      encoder: nativeEncoder(),
      gunzip: nativeGunzip(),
      disk: systemDisk,
      parquetVersion,
    }),
  ),
  [formatTask]: formatHandler(),
  [exportTask]: exportHandler(parquetVersion),
})
