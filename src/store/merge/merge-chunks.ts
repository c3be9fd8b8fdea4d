import type { Disk } from '../../base/disk.ts'
import type { LendSession } from '../../base/duckdb/session.ts'
import type { EngineContext } from '../../base/engines/engines.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { requireSound } from '../sound-files.ts'
import { joinChunks } from './join-chunks.ts'
import { mergeFiles } from './merge-files.ts'
import type { MergeInput, MergeOutput } from './tasks.ts'

export interface MergeChunksTools {
  readonly disk: Disk
  readonly lend: LendSession
  readonly context: EngineContext
  readonly version: ParquetVersion | undefined
}

/** What an engine process does for `mergeTask`: what can be joined as it is, and all that is left written anew. */
export async function mergeChunks(
  input: MergeInput,
  { disk, lend, context, version }: MergeChunksTools,
): Promise<MergeOutput> {
  const joined = await joinChunks(input, disk)
  const taken = new Set(joined.flatMap(({ inputs }) => inputs))
  const files = input.files.filter((_file, index) => !taken.has(index))
  if (files.length === 0) return { joined, written: [] }
  await requireSound(disk, files)
  return { joined, written: [await mergeFiles({ ...input, files }, lend, context, version)] }
}
