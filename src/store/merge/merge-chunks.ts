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

/** What an engine process does for `mergeTask`: what can be joined as it is, and all that is left and not better left alone written anew. */
export async function mergeChunks(
  input: MergeInput,
  { disk, lend, context, version }: MergeChunksTools,
): Promise<MergeOutput> {
  const { joined, lone } = await joinChunks(input, disk)
  const taken = new Set(joined.flatMap(({ inputs }) => inputs))
  const rest = [...input.files.keys()].filter((index) => !taken.has(index))
  const unchanged = chooseUnchanged(input, rest, lone)
  const files = input.files.filter((_file, index) => rest.includes(index) && !unchanged.includes(index))
  if (files.length === 0) return { joined, written: [], unchanged }
  await requireSound(disk, files)
  return { joined, written: [await mergeFiles({ ...input, files }, lend, context, version)], unchanged }
}

/**
 * Which of the `rest` stay as they are: those that are alone of their kind, and one that would be written anew all by itself. It would bring nothing,
 * and the next merge would take what came of it again. None, where so many would stay that merges came to nothing.
 */
export function chooseUnchanged(
  { files, unchangedMax }: { readonly files: readonly unknown[]; readonly unchangedMax: number },
  rest: readonly number[],
  lone: readonly number[],
): readonly number[] {
  const small = rest.filter((index) => !lone.includes(index))
  const unchanged = small.length > 1 ? lone : rest
  return unchanged.length <= Math.min(unchangedMax, files.length - 2) ? unchanged : []
}
