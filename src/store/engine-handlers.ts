import type { Disk } from '../base/disk.ts'
import { KeptSessions } from '../base/duckdb/kept-sessions.ts'
import type { EngineHandler } from '../base/engines/engines.ts'
import type { ParquetVersion } from '../base/parquet/version.ts'
import { mergeChunks } from './merge/merge-chunks.ts'
import type { MergeInput } from './merge/tasks.ts'
import { mergeTask } from './merge/tasks.ts'
import { restateFiles } from './schema/restate-files.ts'
import type { RestateInput } from './schema/tasks.ts'
import { restateTask } from './schema/tasks.ts'
import { checkFiles } from './verify/check-files.ts'
import { checkTask } from './verify/tasks.ts'

/** What an engine process does for the store: for `serveEngine`, beside the handlers of other stages. */
export function storeEngineHandlers(disk: Disk, version?: ParquetVersion): Readonly<Record<string, EngineHandler>> {
  const sessions = new KeptSessions()
  return {
    [mergeTask]: (input: MergeInput, context) => mergeChunks(input, { disk, lend: sessions.lend, context, version }),
    [restateTask]: (input: RestateInput) => restateFiles(input, disk, sessions.lend, version),
    // Files that may be damaged are looked at in instances of their own.
    [checkTask]: checkFiles,
  }
}
