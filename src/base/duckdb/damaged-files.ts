import { AppError } from '../errors.ts'

/** What DuckDB says when the bytes of a Parquet file make no sense, found by flipping bits in one. */
const words =
  /decompression failure|Out of buffer|Corrupted file|string encoding found in Parquet|No magic bytes|too small to be a Parquet|TProtocol|Failed to read file|Invalid Parquet|parquet.*(?:corrupt|malformed)/i

/**
 * The failure of a task that met a damaged file; undefined where DuckDB failed of something else. It carries DuckDB's first
 * sentence with the path, if any: whoever gave the task knows which chunk that is (`damagedFile`).
 */
export function damageError(message: string): AppError | undefined {
  if (!words.test(message)) return undefined
  return new AppError('object_damaged', (message.split('\n')[0] ?? '').slice(0, 1000))
}
