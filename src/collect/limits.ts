import { columnNameBytesMax } from '../base/names.ts'
import { columnsMax } from '../store/columns.ts'

const mebibyte = 2 ** 20

/** A body as it is sent, compressed or not: above it, `body_too_large`. */
export const importBodyBytesMax = 64 * mebibyte

/** A body after inflation: above it, `inflated_too_large`. */
export const inflatedBytesMax = 512 * mebibyte

/** A body that is converted piece by piece, after inflation: above it, `inflated_too_large`. */
export const longInflatedBytesMax = 16 * 1024 * mebibyte

/**
 * How many times larger than itself a body may inflate: above it, `inflate_ratio_too_large`. Honest logs stay below 100;
 * small bodies may do as they like, because nobody is hurt by `ratioFreeBytes`.
 */
export const inflateRatioMax = 1000
export const ratioFreeBytes = 10 * mebibyte

/** One record: above it, the record is quarantined. */
export const recordBytesMax = 4 * mebibyte

/** Levels of arrays and objects in a record: above it, the record is quarantined. DuckDB is known to crash at 10,000. */
export const depthMax = 64

/** Rows of a Parquet body: a run-length encoded column can claim billions of them in a few bytes. */
export const parquetRowsMax = 20_000_000

/** Values inside of one value of a nested column: one with more is rescued, because each takes many times its bytes. */
const nestedValuesMax = 1_000_000

/** What the splitter needs to know; records that would add more columns than a table may have are quarantined. */
export const splitLimits = { depthMax, recordBytesMax, columnsMax, nameBytesMax: columnNameBytesMax, nestedValuesMax }

/** Characters of a unique id that a sender gives. */
export const uniqueIdCharactersMax = 255

/** Bodies in memory on their way to the disk, in one process: above it, `overloaded`. */
export const inflightBytesDefault = 256 * mebibyte

/** Acknowledged bodies that wait to be converted: above it, `overloaded`. */
export const backlogBytesDefault = 4096 * mebibyte

/** How long acknowledged bodies may take to be converted before large ones are refused: above it, `overloaded`. */
export const backlogSecondsDefault = 60

/** Bodies up to this size, such as events, are refused for want of room only. */
export const smallBodyBytesMax = 64 * 1024

/** Which part of either may belong to one account, so that there is always room for another one's bodies. */
export const accountShareMax = 0.75

/** How long a body that was announced waits for room before it is refused, and how many do at a time, each with 64 KiB that came with its head. */
export const roomWaitMsMax = 70
export const roomWaitersMax = 1000

/** How long it keeps the room that it found while it arrives. */
export const roomKeptMsMax = 1000

/** The size of the inbox's files. Larger bodies have a file of their own. */
export const segmentBytesDefault = 64 * mebibyte

/** How much the inbox writes before it syncs: larger writes make single syncs on fresh files four times slower. */
export const commitBytesMax = mebibyte

/**
 * How long frames are gathered before a job is asked for, and how many bytes end the wait: a quarter of a million narrow records as msgpack.gz, which take
 * half a second. Of larger jobs, one engine process had what two could have done, and nobody knew for seconds how fast it went.
 */
export const gatherMs = 50
export const jobBytesMax = 4 * mebibyte

/** Records of one body that are quarantined one by one; the others are kept together, as the body. */
export const rejectedRecordsMax = 1000

/** Bytes of a record that its row in the quarantine holds; a longer record is kept as an object. */
export const quarantinedBytesMax = 64 * 1024

/** Fewer rows are kept as they came: to have DuckDB sort them costs more than it brings. */
export const arrangedRowsMin = 2000

/**
 * Bodies are split together until they are so large; one that is larger alone is split alone. What lies between body and file is
 * several times as much, and takes a quarter more time where caches and the young generation of the heap do not hold it.
 */
export const splitBytesMax = 16 * mebibyte

/** So many bytes of bodies, inflated, become one file. */
export const fileBytesMax = 64 * mebibyte
