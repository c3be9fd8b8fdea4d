import type { Disk } from '../disk.ts'
import { must } from '../errors.ts'
import type { ThriftPlace } from './copy-thrift.ts'
import { ThriftCopier } from './copy-thrift.ts'
import type { Leaf } from './footer.ts'
import { magic, repetition, trailerBytes } from './footer.ts'

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

/** The footer of a part. */
export interface PartFooter extends JoinedShape {
  readonly part: JoinedPart
  readonly bytes: Buffer
  /** Where the pages end, and what belongs to them. */
  readonly from: number
  readonly places: readonly ThriftPlace[]
  /** What has to be the same in all parts, as text: who wrote the file, and all else that is neither rows nor columns. */
  readonly frame: string
  readonly columns: readonly PartColumn[]
}

/** A column of the first level, as the schema of a part has it. */
export interface PartColumn {
  readonly name: string
  readonly fieldId: number | undefined
  readonly isRequired: boolean
  /** Its elements in the schema, as they are, with all that is inside of it. */
  readonly elements: Buffer
  readonly elementCount: number
  readonly leaves: readonly PartLeaf[]
}

export interface PartLeaf extends Leaf {
  /** Whether its pages begin with levels of repetition, and whether with levels of definition. */
  readonly isRepeated: boolean
  readonly isOptional: boolean
}

export function leafCount(columns: readonly PartColumn[]): number {
  return columns.reduce((sum, { leaves }) => sum + leaves.length, 0)
}

/** Field ids of FileMetaData in parquet.thrift. */
export const footerFields = { schema: 2, rows: 3, groups: 4, orders: 7 } as const

/** Of a column whose order is that of its type: a union whose first field is an empty struct. */
export const typeDefinedOrder = Buffer.of(0x1c, 0, 0)

const depthMax = 64

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
    const [rows, rowGroups] = [at(bytes, places, 'rows').number(), at(bytes, places, 'groups').listSize()]
    const { root, columns } = new SchemaReader(at(bytes, places, 'schema')).read()
    if (!areOrderedByType(bytes, places)) return undefined
    if (!areWhole(at(bytes, places, 'groups'), leafCount(columns))) return undefined
    const frame = [root, ...frameOf(bytes, places)].join('\n')
    return { part, bytes, from, places, frame, columns, rows, rowGroups, pageBytes: from - magic.byteLength }
  } catch {
    // What cannot be walked over is not joined; whoever reads the file says what is wrong with it.
    return undefined
  }
}

/** At the value of a field of FileMetaData. */
function at(bytes: Buffer, places: readonly ThriftPlace[], field: keyof typeof footerFields): ThriftCopier {
  const place = must(
    places.find(({ id }) => id === footerFields[field]),
    `a footer has ${field}`,
  )
  return new ThriftCopier(bytes, place.valueFrom)
}

/** Bounds count where the order of each column is stated, and all joined columns have the usual one. */
function areOrderedByType(bytes: Buffer, places: readonly ThriftPlace[]): boolean {
  const stated = places.find(({ id }) => id === footerFields.orders)
  if (stated === undefined) return true
  const orders = new ThriftCopier(bytes, stated.valueFrom)
  const size = orders.listSize()
  const usual = Buffer.concat(Array.from({ length: size }, () => typeDefinedOrder))
  return usual.equals(bytes.subarray(orders.at, stated.to))
}

/** Field ids of RowGroup. */
const [columnsOfGroup, rowsOfGroup] = [1, 3]

/** Whether each row group has all columns, and says how many rows it has. */
function areWhole(groups: ThriftCopier, leaves: number): boolean {
  const size = groups.listSize()
  for (let group = 0; group < size; group += 1) {
    const places = groups.places()
    const columns = places.find(({ id }) => id === columnsOfGroup)
    const has = columns && new ThriftCopier(groups.bytes, columns.valueFrom).listSize()
    if (has !== leaves || !places.some(({ id }) => id === rowsOfGroup)) return false
  }
  return true
}

/** What is neither of rows nor of columns; of the orders, whether there are any. */
function frameOf(bytes: Buffer, places: readonly ThriftPlace[]): string[] {
  const { schema, rows, groups, orders } = footerFields
  return places.flatMap(({ id, from, to }) => {
    if (id === orders) return ['ordered']
    return id === schema || id === rows || id === groups ? [] : [bytes.toString('latin1', from, to)]
  })
}

interface Element {
  readonly physical: number | undefined
  readonly repetition: number
  readonly name: string
  readonly children: number
  readonly fieldId: number | undefined
}

/** The schema is a tree in depth-first order, in which each element says how many children follow. */
class SchemaReader {
  readonly #copier: ThriftCopier
  /** Elements that were read so far. */
  #elements = 0

  constructor(copier: ThriftCopier) {
    this.#copier = copier
    copier.listSize()
  }

  read(): { readonly root: string; readonly columns: PartColumn[] } {
    const root = this.#element()
    const columns = Array.from({ length: root.children }, () => this.#column())
    return { root: root.name, columns }
  }

  #column(): PartColumn {
    const [from, before] = [this.#copier.at, this.#elements]
    const { name, fieldId, ...own } = this.#element()
    const leaves = this.#leaves({ name, ...own }, { path: [], isRepeated: false, isOptional: false })
    return {
      name,
      fieldId,
      isRequired: own.repetition === repetition.required,
      elements: this.#copier.bytes.subarray(from, this.#copier.at),
      elementCount: this.#elements - before,
      leaves,
    }
  }

  #leaves(element: Omit<Element, 'fieldId'>, above: Omit<PartLeaf, 'physical'>): PartLeaf[] {
    const own = {
      path: [...above.path, element.name],
      isRepeated: above.isRepeated || element.repetition === repetition.repeated,
      isOptional: above.isOptional || element.repetition !== repetition.required,
    }
    if (own.path.length > depthMax) throw new Error('its schema nests too deeply')
    if (element.children === 0) return [{ ...own, physical: must(element.physical, 'a leaf has a type') }]
    return Array.from({ length: element.children }, () => this.#leaves(this.#element(), own)).flat()
  }

  #element(): Element {
    this.#elements += 1
    const places = this.#copier.places()
    const valueOf = (id: number): ThriftCopier | undefined => {
      const place = places.find((one) => one.id === id)
      return place && new ThriftCopier(this.#copier.bytes, place.valueFrom)
    }
    return {
      physical: valueOf(1)?.number(),
      repetition: valueOf(3)?.number() ?? repetition.required,
      name: valueOf(4)?.text() ?? '',
      children: valueOf(5)?.number() ?? 0,
      fieldId: valueOf(9)?.number(),
    }
  }
}
