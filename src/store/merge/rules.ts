const mebibyte = 2 ** 20

/**
 * When chunks are merged, and into what. The rules weigh how many files a query opens against how often a row is written
 * anew: a row passes through `log(target / size on arrival) / log(fanIn)` minor merges, then through its major merge.
 */
export const mergeRules = {
  /** So many realtime chunks of about one size make a larger one. With three sizes, a query meets fewer than 50 of them. */
  fanIn: 16,
  /** Sizes that are told apart: up to 1 MiB, up to 16 MiB, up to `realtimeBytesMax`. */
  tierBytes: [mebibyte, 16 * mebibyte],
  /** A realtime chunk of this size stays as it is until its major merge. */
  realtimeBytesMax: 64 * mebibyte,
  /**
   * Row groups of realtime chunks stay as they are where, on average, they have this part of all rows that one may have, or so many bytes. Groups of
   * a quarter take a query 3 to 16 % more than whole ones, milliseconds of a hundred; to write them anew takes as long as a hundred such queries.
   */
  joinedGroupShare: 1 / 4,
  joinedGroupBytesMin: mebibyte / 2,
  /** However long rows are, a merge writes groups of fewer anew. */
  joinedGroupRowsMin: 2000,
  /** A file is joined to one that has up to so many times its columns: each column that it has not takes some 120 bytes a row group. */
  joinedColumnsMax: 4,
  /** So many inputs of a minor merge may stay as they are because nothing beside them is like them. More would fill the places of those to come. */
  unchangedMax: 4,
  /** Inputs of one merge, as files and in bytes: what an engine process can open and sort within its memory and disk. */
  inputsMax: 1000,
  inputBytesMax: 2048 * mebibyte,
  /**
   * What is left of rows as our own encoder writes them where DuckDB sorts them and compresses them with zstd: narrow ones take 0.29 of what they took,
   * wide ones 0.43. Without it, files of the archive would be cut when they are a third of what they should be. Rows that zstd hardly
   * shrinks further make files up to two and a half times as large.
   */
  rewrittenShare: 0.4,
  /** A chunk that came this long ago is archived once its hour is over: what was sent late is mostly there. */
  settledMs: 10 * 60_000,
  /** A file of the archive ends with an hour once it has this size … */
  archiveBytesMin: 64 * mebibyte,
  /** … and within an hour at this one. */
  archiveBytesMax: 256 * mebibyte,
  /** So many small chunks of the archive beside one another make a larger one. */
  archiveFanIn: 8,
  /** Late rows are sorted into a large chunk when they come to this part of it, or to `archiveFanIn` chunks. */
  lateShare: 1 / 8,
} as const

export const hourSeconds = 3600
