import { crc32 } from 'node:zlib'

import type { Disk, DiskFile } from '../disk.ts'
import { must } from '../errors.ts'
import { LentBuffers } from '../lent-buffers.ts'
import { putNulls } from './absent-columns.ts'
import { ByteSink } from './byte-sink.ts'
import type { CopyRules, Replacement, StructRules } from './copy-thrift.ts'
import { putStructsHeader, ThriftCopier } from './copy-thrift.ts'
import { withoutDoubleFilter } from './double-filters.ts'
import type { ColumnChunkFacts } from './footer.ts'
import { magic, putColumnChunk, trailerBytes } from './footer.ts'
import { JoinedSchema } from './joined-schema.ts'
import type { PlacedLeaf } from './joined-schema.ts'
import type { PartFooter, PartLeaf } from './part-footer.ts'
import { footerFields, leafCount, typeDefinedOrder } from './part-footer.ts'
import { putStruct } from './thrift-compact.ts'

// Row groups of several files in one, as they are: compressed pages are copied, and only the footer is made anew, in which
// places move and everything else stays as its writer wrote it. A column that some of the files have not gets pages of nulls for their rows.

const blockBytes = 1 << 20

/**
 * A copy is made as fast as memory, and the disk hears of it at once when somebody waits for all of it: bodies that were to be acknowledged
 * waited behind 165 MB. In small parts they have their turn.
 */
const syncBytes = 8 << 20

/** One block is under way at a time: fresh memory for each would cost more than the copy. */
const blocks = new LentBuffers(blockBytes)

/**
 * Writes the row groups of parts whose columns go together, one behind the other, into a new file, and tells its size. Undefined where a part is
 * not what its checksum says; nothing is left then.
 */
export async function joinFiles(disk: Disk, parts: readonly PartFooter[], target: string): Promise<number | undefined> {
  const [first, ...others] = parts
  const schema = JoinedSchema.of([must(first, 'there is something to join'), ...others])
  const file = await disk.open(target, 'create')
  try {
    const joining = new Joining(disk, file, must(schema, 'files that are joined have columns that go together'))
    const bytes = await joining.write(parts)
    if (bytes !== undefined) return bytes
  } finally {
    await file.close()
  }
  await disk.remove(target)
  return undefined
}

/** A file that is being written. */
class Joining {
  readonly #disk: Disk
  readonly #file: DiskFile
  readonly #schema: JoinedSchema
  /** Of the footer. */
  readonly #groups = new ByteSink(64 * 1024)
  #groupCount = 0
  #length = magic.byteLength
  #syncedLength = 0

  constructor(disk: Disk, file: DiskFile, schema: JoinedSchema) {
    this.#disk = disk
    this.#file = file
    this.#schema = schema
  }

  /** Undefined where a part is not what was written there. */
  async write(parts: readonly PartFooter[]): Promise<number | undefined> {
    await this.#file.write(magic, 0)
    for (const part of parts) if (!(await this.#copyPart(part))) return undefined
    const footer = this.#footer(parts)
    const trailer = Buffer.alloc(trailerBytes)
    trailer.writeUInt32LE(footer.byteLength)
    magic.copy(trailer, 4)
    await this.#file.writeAll([footer, trailer], this.#length)
    return this.#length + footer.byteLength + trailerBytes
  }

  async #copyPart(part: PartFooter): Promise<boolean> {
    if (!(await this.#copyPages(part))) return false
    const leaves = this.#schema.leavesIn(part)
    const nulls = { sink: new ByteSink(0), at: this.#length + part.pageBytes }
    const copier = new ThriftCopier(part.bytes, valueFrom(part, 'groups'))
    const size = copier.listSize()
    for (let group = 0; group < size; group += 1) {
      const ordinal = this.#groupCount + group
      copier.copyStruct(
        this.#groups,
        groupRules({ part, leaves, nulls, shift: this.#length - magic.byteLength, ordinal }),
      )
    }
    if (nulls.sink.length > 0) await this.#file.write(nulls.sink.written(), nulls.at)
    this.#groupCount += size
    this.#length = nulls.at + nulls.sink.length
    return true
  }

  /** What is before the footer, behind the magic. Whether the file has the checksum that it should. */
  #copyPages({ part, from }: PartFooter): Promise<boolean> {
    return blocks.use(blockBytes, async (room) => {
      const source = await this.#disk.open(part.path, 'read')
      try {
        let checksum = 0
        for (let offset = 0; ; offset += blockBytes) {
          const block = await source.read(offset, blockBytes, room)
          checksum = crc32(block, checksum)
          const [first, last] = [Math.max(magic.byteLength - offset, 0), Math.min(from - offset, block.byteLength)]
          const to = this.#length + offset + first - magic.byteLength
          if (last > first) await this.#file.write(block.subarray(first, last), to)
          await this.#syncBehind(to)
          if (block.byteLength < blockBytes) return checksum === part.crc32
        }
      } finally {
        await source.close()
      }
    })
  }

  async #syncBehind(length: number): Promise<void> {
    if (length < this.#syncedLength + syncBytes) return
    await this.#file.sync()
    this.#syncedLength = length
  }

  /** The first part's, with the columns, the rows and the row groups of all. */
  #footer(parts: readonly PartFooter[]): Uint8Array {
    const first = must(parts[0], 'there is something to join')
    const { schema, rows, groups, orders } = footerFields
    const replacements: Readonly<Record<number, Replacement>> = {
      [schema]: { replace: (sink, from) => this.#putSchema(sink, new ThriftCopier(first.bytes, from)) },
      [groups]: { replace: (sink) => this.#putGroups(sink) },
      [orders]: { replace: (sink) => this.#putOrders(sink) },
    }
    const sink = new ByteSink(first.bytes.byteLength + this.#groups.length)
    new ThriftCopier(first.bytes).copyStruct(sink, { ...replacements, [rows]: () => rowsOf(parts) })
    return sink.written()
  }

  #putGroups(sink: ByteSink): void {
    putStructsHeader(sink, this.#groupCount)
    sink.append(this.#groups.written())
  }

  /** The root is the first part's, with as many children as there are columns now. */
  #putSchema(sink: ByteSink, own: ThriftCopier): void {
    const { columns } = this.#schema
    own.listSize()
    const elements = columns.reduce((sum, { elementCount }) => sum + elementCount, 0)
    putStructsHeader(sink, 1 + elements)
    own.copyStruct(sink, { 5: () => columns.length })
    for (const column of columns) sink.append(column.elements)
  }

  #putOrders(sink: ByteSink): void {
    const count = leafCount(this.#schema.columns)
    putStructsHeader(sink, count)
    for (let leaf = 0; leaf < count; leaf += 1) sink.append(typeDefinedOrder)
  }
}

interface GroupPlace {
  readonly part: PartFooter
  readonly leaves: readonly PlacedLeaf[]
  /** Pages of nulls, and where the first of them lies in the file. */
  readonly nulls: { readonly sink: ByteSink; readonly at: number }
  /** By how much the pages of the part moved. */
  readonly shift: number
  readonly ordinal: number
}

/** Of RowGroup: its columns in the order of the joined file, its sizes, its place. In what order its rows are is told by places of columns. */
function groupRules({ part, leaves, nulls, shift, ordinal }: GroupPlace): StructRules {
  const moved = (place: number): number => (place > 0 ? place + shift : place)
  // Of a column: its pages, its index page, its dictionary and its bloom filter, unless that goes by the bits of doubles.
  const column = withoutDoubleFilter({ 9: moved, 10: moved, 11: moved, 14: moved })
  // Of its chunk: the chunk, and what indexes its pages.
  const columnChunk: CopyRules = { 2: moved, 3: column, 4: moved, 6: moved }
  return {
    choose(numberOf) {
      const { absent, bytes } = putAbsent(nulls, leaves, must(numberOf(3), 'a row group has rows'))
      const larger = (size: number): number => size + bytes
      const replace = (sink: ByteSink, from: number): void => {
        const starts = new ThriftCopier(part.bytes, from).structsOfList()
        putStructsHeader(sink, leaves.length)
        for (const { leaf, index = -1 } of leaves) {
          const facts = absent.get(leaf)
          if (facts !== undefined) putStruct(sink, (struct) => putColumnChunk(struct, facts))
          else {
            const start = must(starts[index], 'a row group has all columns of its file')
            new ThriftCopier(part.bytes, start).copyStruct(sink, columnChunk)
          }
        }
      }
      return { 1: { replace }, 2: larger, 4: 'omit', 5: moved, 6: larger, 7: () => ordinal }
    },
  }
}

/** Writes the pages of the leaves that a row group has not, and tells how many bytes they are. */
function putAbsent(
  { sink, at }: GroupPlace['nulls'],
  leaves: readonly PlacedLeaf[],
  rows: number,
): { readonly absent: ReadonlyMap<PartLeaf, ColumnChunkFacts>; readonly bytes: number } {
  const before = sink.length
  const placed = leaves.filter(({ index }) => index === undefined)
  const absent = new Map(placed.map(({ leaf }) => [leaf, putNulls(sink, at, leaf, rows)]))
  return { absent, bytes: sink.length - before }
}

function valueFrom({ places }: PartFooter, field: keyof typeof footerFields): number {
  const place = places.find(({ id }) => id === footerFields[field])
  return must(place, `a footer has ${field}`).valueFrom
}

function rowsOf(parts: readonly PartFooter[]): number {
  return parts.reduce((total, { rows }) => total + rows, 0)
}
