/** Which encodings a Parquet file has: those that every reader knows, or also the delta ones and BYTE_STREAM_SPLIT. */
export const parquetVersions = ['v1', 'v2'] as const
export type ParquetVersion = (typeof parquetVersions)[number]

/** Whole numbers and texts without repetition are a third smaller, and are read in a third of the time. */
export const parquetVersionDefault: ParquetVersion = 'v2'
