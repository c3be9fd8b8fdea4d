import { join } from 'node:path'

import type { Disk } from '../../base/disk.ts'
import { isAppError } from '../../base/errors.ts'
import { joinFiles } from '../../base/parquet/join-files.ts'
import { JoinedSchema } from '../../base/parquet/joined-schema.ts'
import { leafCount, readPart } from '../../base/parquet/part-footer.ts'
import type { JoinedShape, PartFooter } from '../../base/parquet/part-footer.ts'
import { readFooter } from '../../base/parquet/read-footer.ts'
import { foreignChunk } from '../iceberg/foreign-file.ts'
import { groupRowsOf } from '../parquet-options.ts'
import { mergeRules as rules } from './rules.ts'
import type { JoinedFile, MergeInput } from './tasks.ts'

/** What came of the cheap merge. */
export interface JoinedChunks {
  readonly joined: readonly JoinedFile[]
  /** The indexes of inputs with row groups that are large enough to stay, and nothing beside them to be joined with. */
  readonly lone: readonly number[]
}

/**
 * The cheap merge: row groups of inputs beside one another in one file, as they are, where they are large enough to stay. A record that
 * comes in a flood is written once when it is converted and once when it is sorted into the archive, and copied in between, at
 * a hundredth of what it takes DuckDB to write it. Inputs that do not fit are left to be written anew: such as single events that came beside
 * the flood, if they are so many files of few rows that row groups would be small on average.
 */
export async function joinChunks(input: MergeInput, disk: Disk): Promise<JoinedChunks> {
  if (input.layer !== 'realtime') return { joined: [], lone: [] }
  const joined: JoinedFile[] = []
  const lone: number[] = []
  const groupRowsMin = groupRowsOf(input.columns.length) * rules.joinedGroupShare
  for (const chosen of chooseJoined(await readInputs(input, disk), groupRowsMin)) {
    const [first, ...others] = chosen
    if (first !== undefined && others.length === 0) {
      lone.push(first.index)
      continue
    }
    const path = join(input.directory, `joined-${joined.length}.parquet`)
    const file = await joinInputs(input, disk, chosen, path)
    if (file !== undefined) joined.push(file)
  }
  return { joined, lone }
}

/** An input that could be joined with others. */
interface JoinableInput {
  readonly index: number
  readonly footer: PartFooter
}

/** Without files that have no checksum to hold them to, no footer of the kind that is understood, or other rows than the catalog says. */
async function readInputs({ files }: MergeInput, disk: Disk): Promise<JoinableInput[]> {
  const read = files.map(async ({ path, rows, crc32 }, index) => {
    const footer = crc32 === null ? undefined : await readPart(disk, { path, crc32 })
    return footer?.rows === rows ? [{ index, footer }] : []
  })
  return (await Promise.all(read)).flat()
}

/** Those whose columns go together: as many as leave row groups large on average, the largest first. */
function chooseJoined(inputs: readonly JoinableInput[], groupRowsMin: number): JoinableInput[][] {
  return inputsByColumns(inputs)
    .map((alike) => {
      const bySize = alike.toSorted((a, b) => groupRows(b.footer) - groupRows(a.footer))
      while (bySize.length > 0 && !areLarge(bySize, groupRowsMin)) bySize.pop()
      return bySize.toSorted((a, b) => a.index - b.index)
    })
    .filter((chosen) => chosen.length > 0)
}

/** An input with many columns comes before those with fewer, which mostly have some of the same. */
function inputsByColumns(inputs: readonly JoinableInput[]): JoinableInput[][] {
  const groups: { readonly schema: JoinedSchema; readonly members: JoinableInput[] }[] = []
  for (const input of inputs.toSorted((a, b) => leafCount(b.footer.columns) - leafCount(a.footer.columns))) {
    const leavesMax = leafCount(input.footer.columns) * rules.joinedColumnsMax
    const group = groups.find(({ schema }) => schema.take(input.footer, leavesMax))
    if (group !== undefined) {
      group.members.push(input)
      continue
    }
    const schema = JoinedSchema.begin(input.footer)
    if (schema !== undefined) groups.push({ schema, members: [input] })
  }
  return groups.map(({ members }) => members)
}

const groupRows = ({ rows, rowGroups }: JoinedShape): number => rows / Math.max(rowGroups, 1)

function areLarge(inputs: readonly JoinableInput[], groupRowsMin: number): boolean {
  const sum = (of: keyof JoinedShape): number => inputs.reduce((total, { footer }) => total + footer[of], 0)
  const [rows, rowGroups, pageBytes] = [sum('rows'), sum('rowGroups'), sum('pageBytes')]
  const hasLargeGroups = rows >= rowGroups * groupRowsMin || pageBytes >= rowGroups * rules.joinedGroupBytesMin
  return hasLargeGroups && rows >= rowGroups * rules.joinedGroupRowsMin
}

/** Undefined where the inputs have to be written anew after all. */
async function joinInputs(
  input: MergeInput,
  disk: Disk,
  chosen: readonly JoinableInput[],
  path: string,
): Promise<JoinedFile | undefined> {
  const footers = chosen.map(({ footer }) => footer)
  const bytes = await joinFiles(disk, footers, path)
  if (bytes === undefined) return undefined
  const known = await factsOf(input, disk, { path, bytes, chosen })
  if (known === undefined) {
    await disk.remove(path)
    return undefined
  }
  return { path, bytes, inputs: chosen.map(({ index }) => index), known }
}

/** What the catalog keeps of the file, by its own footer. Undefined where the table has changed since its parts were written. */
async function factsOf(
  { columns, files }: MergeInput,
  disk: Disk,
  { path, bytes, chosen }: { readonly path: string; readonly bytes: number; readonly chosen: readonly JoinableInput[] },
): Promise<JoinedFile['known'] | undefined> {
  const file = await disk.open(path, 'read')
  try {
    const footer = await readFooter(path, bytes, (from, to) => file.read(from, to - from))
    const known = foreignChunk(path, footer, columns)
    const withoutNan = fieldsWithoutNan(chosen, files)
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

/** The columns in which no file has a NaN: each is known to have none, or has not the column. */
function fieldsWithoutNan(chosen: readonly JoinableInput[], files: MergeInput['files']): number[] {
  const knownIn = ({ index }: JoinableInput): readonly number[] => files[index]?.withoutNan ?? []
  return [...new Set(chosen.flatMap(knownIn))].filter((fieldId) =>
    chosen.every((one) => knownIn(one).includes(fieldId) || one.footer.columns.every((own) => own.fieldId !== fieldId)),
  )
}
