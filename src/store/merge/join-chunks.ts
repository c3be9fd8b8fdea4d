import { join } from 'node:path'

import type { Disk } from '../../base/disk.ts'
import { isAppError } from '../../base/errors.ts'
import { joinFiles } from '../../base/parquet/join-files.ts'
import type { JoinedPart } from '../../base/parquet/join-files.ts'
import { readFooter } from '../../base/parquet/read-footer.ts'
import { foreignChunk } from '../iceberg/foreign-file.ts'
import { groupRowsOf } from '../parquet-options.ts'
import { mergeRules as rules } from './rules.ts'
import type { MergeInput, MergeOutput } from './tasks.ts'

/**
 * The cheap merge: row groups of the inputs beside one another in one file, as they are, where they are large enough to stay. A record that
 * comes in a flood is written once when it is converted and once when it is sorted into the archive, and copied in between, at
 * a hundredth of what it takes DuckDB to write it. Undefined where the chunks have to be written anew.
 */
export async function joinChunks(input: MergeInput, disk: Disk): Promise<MergeOutput | undefined> {
  const parts = partsOf(input)
  if (parts === undefined) return undefined
  const path = join(input.directory, 'joined.parquet')
  const groupRowsMin = groupRowsOf(input.columns.length) / 2
  const joined = await joinFiles(disk, parts, path, ({ rows, rowGroups, pageBytes }) => {
    const areLarge = rows >= rowGroups * groupRowsMin || pageBytes >= rowGroups * rules.joinedGroupBytesMin
    return rows === input.rows && areLarge && rows >= rowGroups * rules.joinedGroupRowsMin
  })
  if (joined === undefined) return undefined
  const known = await factsOf(input, disk, path, joined.bytes)
  if (known === undefined) {
    await disk.remove(path)
    return undefined
  }
  const fieldIds = input.columns.map(({ fieldId }) => fieldId)
  return { files: [{ path, rows: joined.rows, bytes: joined.bytes, columns: {} }], fieldIds, joined: known }
}

/** Undefined where files are not to be joined, or cannot be checked. */
function partsOf({ files, layer, checksums }: MergeInput): JoinedPart[] | undefined {
  if (layer !== 'realtime' || files.length < 2 || checksums === undefined) return undefined
  const parts: JoinedPart[] = []
  for (const [index, path] of files.entries()) {
    const crc32 = checksums[index]
    if (crc32 === undefined || crc32 === null) return undefined
    parts.push({ path, crc32 })
  }
  return parts
}

/** What the catalog keeps of the file, by its own footer. Undefined where the table has changed since its parts were written. */
async function factsOf(
  { columns, withoutNan = [] }: MergeInput,
  disk: Disk,
  path: string,
  bytes: number,
): Promise<MergeOutput['joined']> {
  const file = await disk.open(path, 'read')
  try {
    const footer = await readFooter(path, bytes, (from, to) => file.read(from, to - from))
    const known = foreignChunk(path, footer, columns)
    const statistics = Object.entries(known.statistics).map(([id, facts]) => {
      return [Number(id), withoutNan.includes(Number(id)) ? { ...facts, nan: false } : facts] as const
    })
    return { ...known, statistics: Object.fromEntries(statistics) }
  } catch (error) {
    if (isAppError(error, 'invalid_request') || isAppError(error, 'body_malformed')) return undefined
    throw error
  } finally {
    await file.close()
  }
}
