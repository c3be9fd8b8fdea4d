import { crc32 } from 'node:zlib'

import type { Disk, DiskFile } from '../disk.ts'
import { assert } from '../errors.ts'
import { ByteSink } from './byte-sink.ts'
import type { CopyRules } from './copy-thrift.ts'
import { withoutDoubleFilter } from './double-filters.ts'
import { putStructsHeader, ThriftCopier } from './copy-thrift.ts'
import type { ThriftPlace } from './copy-thrift.ts'
import { magic } from './footer.ts'
import { putZigzag } from './thrift-compact.ts'

// Row groups of several files in one, as they are: compressed pages are copied, and only the footer is made anew, in which
// places move and everything else stays as its writer wrote it.

/** A file whose row groups are to lie beside those of others. */
export interface JoinedPart {
  readonly path: string
  /** Of the whole file: a damage that is copied into a file with a checksum of its own would never be found. */
  readonly crc32: number
}

/** What is known of a part, or of several, before anything is written. */
export interface JoinedShape {
  readonly rows: number
  readonly rowGroups: number
  /** Without the footers. */
  readonly pageBytes: number
}

const trailerBytes = 8
const blockBytes = 1 << 20

/** Field ids of parquet.thrift. */
const rowsOfFile = 3
const groupsOfFile = 4

/**
 * Writes the row groups of parts that have the same frame, one behind the other, into a new file, and tells its size. Undefined where a part is
 * not what its checksum says; nothing is left then.
 */
export async function joinFiles(disk: Disk, parts: readonly PartFooter[], target: string): Promise<number | undefined> {
  assert(
    parts.every(({ frame }) => frame === parts[0]?.frame),
    'files that are joined have the same frame',
  )
  const file = await disk.open(target, 'create')
  try {
    const bytes = await writeJoined(disk, file, parts)
    if (bytes !== undefined) return bytes
  } finally {
    await file.close()
  }
  await disk.remove(target)
  return undefined
}

/** The footer of a part, and what in it has to be the same in all. */
export interface PartFooter extends JoinedShape {
  readonly part: JoinedPart
  readonly bytes: Buffer
  /** Where the pages end, and what belongs to them. */
  readonly from: number
  readonly places: readonly ThriftPlace[]
  /** The footer without its rows, as text: the schema, who wrote it, and how values are ordered. */
  readonly frame: string
}

/** Undefined where the file is none whose footer can be walked over. */
export async function readPart(disk: Disk, part: JoinedPart): Promise<PartFooter | undefined> {
  const file = await disk.open(part.path, 'read')
  try {
    const end = (await file.size()) - trailerBytes
    const trailer = await file.read(Math.max(end, 0), trailerBytes)
    if (end < magic.byteLength || !trailer.subarray(4).equals(magic)) return undefined
    const from = end - trailer.readUInt32LE()
    if (from < magic.byteLength) return undefined
    const bytes = await file.read(from, end - from)
    return footerOf(part, bytes, from)
  } finally {
    await file.close()
  }
}

function footerOf(part: JoinedPart, bytes: Buffer, from: number): PartFooter | undefined {
  try {
    const places = new ThriftCopier(bytes).places()
    const valueOf = (id: number): ThriftCopier => {
      return new ThriftCopier(bytes, places.find((place) => place.id === id)?.valueFrom ?? bytes.byteLength)
    }
    const [rows, rowGroups] = [valueOf(rowsOfFile).number(), valueOf(groupsOfFile).listSize()]
    const same = places.filter(({ id }) => id !== rowsOfFile && id !== groupsOfFile)
    const frame = same.map((place) => bytes.toString('latin1', place.from, place.to)).join('')
    return { part, bytes, from, places, frame, rows, rowGroups, pageBytes: from - magic.byteLength }
  } catch {
    // What cannot be walked over is not joined; whoever reads the file says what is wrong with it.
    return undefined
  }
}

/** Undefined where a part is not what was written there. */
async function writeJoined(disk: Disk, file: DiskFile, footers: readonly PartFooter[]): Promise<number | undefined> {
  await file.write(magic, 0)
  let to = magic.byteLength
  const groups = new ByteSink(footers.reduce((bytes, footer) => bytes + footer.bytes.byteLength, 1024))
  let ordinal = 0
  for (const footer of footers) {
    if (!(await copyPages(disk, file, footer, to))) return undefined
    const shift = to - magic.byteLength
    const copier = new ThriftCopier(footer.bytes, placeOf(footer, groupsOfFile).valueFrom)
    const size = copier.listSize()
    for (let group = 0; group < size; group += 1) copier.copyStruct(groups, movedBy(shift, ordinal++))
    to += footer.from - magic.byteLength
  }
  const footer = joinedFooter(footers, groups.written(), ordinal)
  const trailer = Buffer.alloc(trailerBytes)
  trailer.writeUInt32LE(footer.byteLength)
  magic.copy(trailer, 4)
  await file.writeAll([footer, trailer], to)
  return to + footer.byteLength + trailerBytes
}

/** What is before the footer, behind the magic, from `at` on. Whether the file has the checksum that it should. */
async function copyPages(disk: Disk, file: DiskFile, { part, from }: PartFooter, at: number): Promise<boolean> {
  const source = await disk.open(part.path, 'read')
  try {
    let checksum = 0
    for (let offset = 0; ; offset += blockBytes) {
      const block = await source.read(offset, blockBytes)
      if (block.byteLength === 0) return checksum === part.crc32
      checksum = crc32(block, checksum)
      const [first, last] = [Math.max(magic.byteLength - offset, 0), Math.min(from - offset, block.byteLength)]
      if (last > first) await file.write(block.subarray(first, last), at + offset + first - magic.byteLength)
    }
  } finally {
    await source.close()
  }
}

/** Places in the file are counted from its start; zero stands for none. */
function movedBy(shift: number, ordinal: number): CopyRules {
  const moved = (place: number): number => (place > 0 ? place + shift : place)
  // Of a column: its pages, its index page, its dictionary and its bloom filter, unless that goes by the bits of doubles.
  const column = withoutDoubleFilter({ 9: moved, 10: moved, 11: moved, 14: moved })
  // Of its chunk: the chunk, and what indexes its pages.
  return { 1: { 2: moved, 3: column, 4: moved, 6: moved }, 5: moved, 7: () => ordinal }
}

/** The first part's, with the rows and row groups of all. */
function joinedFooter(footers: readonly PartFooter[], groups: Uint8Array, groupCount: number): Uint8Array {
  const [first] = footers as [PartFooter]
  const sink = new ByteSink(first.bytes.byteLength + groups.byteLength)
  for (const { id, from, valueFrom, to } of first.places) {
    if (id !== rowsOfFile && id !== groupsOfFile) {
      sink.append(first.bytes.subarray(from, to))
      continue
    }
    sink.append(first.bytes.subarray(from, valueFrom))
    if (id === rowsOfFile) putZigzag(sink, sum(footers, 'rows'))
    else {
      putStructsHeader(sink, groupCount)
      sink.append(groups)
    }
  }
  sink.byte(0)
  return sink.written()
}

function placeOf({ places }: PartFooter, id: number): ThriftPlace {
  const place = places.find((one) => one.id === id)
  if (place === undefined) throw new Error(`a footer has no field ${id}`)
  return place
}

function sum(shapes: readonly JoinedShape[], of: keyof JoinedShape): number {
  return shapes.reduce((total, shape) => total + shape[of], 0)
}
