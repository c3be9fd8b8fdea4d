import { AppError } from '../errors.ts'
import { magic, trailerBytes } from './footer.ts'
import type { ThriftFields, ThriftValue } from './read-thrift.ts'
import { readThrift } from './read-thrift.ts'

/** A column of a Parquet file, as its footer has it; one of a nested column for each leaf of it. */
export interface FooterColumn {
  /** Names from the root down. */
  readonly path: readonly string[]
  readonly fieldId: number | undefined
  /** In the words of the specification: INT64, BYTE_ARRAY … */
  readonly physical: string
  readonly decimal: { readonly precision: number; readonly scale: number } | undefined
  readonly isTimestampMicros: boolean
  /** Whether there is a value in every row. */
  readonly isRequired: boolean
  /** Compressed bytes. */
  readonly bytes: number
  /** Undefined where a row group does not say. */
  readonly nulls: number | undefined
  /** Of all row groups that have any values, in PLAIN encoding; empty where one of them does not say. */
  readonly bounds: readonly { readonly min: Buffer; readonly max: Buffer }[]
}

export interface Footer {
  readonly rows: number
  readonly columns: readonly FooterColumn[]
}

const footerBytesMax = 64 << 20

/** Reads so much from the end at first: nearly all footers are in it. */
const tailBytes = 64 << 10

/**
 * Reads the footer of a file that somebody else wrote, by `read`, which gives its bytes from one place to another. A file that
 * is not Parquet fails with `body_malformed`; `name` says in the message which one it is.
 */
export async function readFooter(
  name: string,
  fileBytes: number,
  read: (from: number, to: number) => Promise<Buffer>,
): Promise<Footer> {
  const tail = await read(Math.max(0, fileBytes - tailBytes), fileBytes)
  const isParquet = tail.byteLength > trailerBytes && tail.subarray(-magic.byteLength).equals(magic)
  if (!isParquet) throw notParquet(name, 'it does not end like one')
  const footerBytes = tail.readUInt32LE(tail.byteLength - trailerBytes)
  if (footerBytes > Math.min(footerBytesMax, fileBytes - trailerBytes))
    throw notParquet(name, 'its footer has no such size')
  const end = fileBytes - trailerBytes
  const footer =
    footerBytes + trailerBytes <= tail.byteLength
      ? tail.subarray(tail.byteLength - trailerBytes - footerBytes, tail.byteLength - trailerBytes)
      : await read(end - footerBytes, end)
  try {
    return footerOf(readThrift(footer))
  } catch (error) {
    throw notParquet(name, String(error))
  }
}

function notParquet(name: string, reason: string): AppError {
  return new AppError('body_malformed', `The file ${name} cannot be read as Parquet: ${reason}.`, {
    hint: 'Write it anew.',
  })
}

function footerOf(file: ThriftFields): Footer {
  const groups = structs(file.get(4))
  const leaves = leavesOf(structs(file.get(2)))
  const columns = leaves.map((leaf, index) => {
    const chunks = groups.map((group) => fields(structs(group.get(1))[index]?.get(3)))
    return { ...leaf, ...statisticsOf(chunks) }
  })
  return { rows: Number(file.get(3)), columns }
}

type Leaf = Omit<FooterColumn, 'bytes' | 'nulls' | 'bounds'>

const physicalTypes = ['BOOLEAN', 'INT32', 'INT64', 'INT96', 'FLOAT', 'DOUBLE', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY']
const repetitionRequired = 0
const converted = { decimal: 5, timestampMicros: 10 }

/** The schema is a tree in depth-first order, in which each group says how many children follow. */
function leavesOf(elements: readonly ThriftFields[]): Leaf[] {
  const leaves: Leaf[] = []
  let at = 0
  const visit = (path: readonly string[], isRequired: boolean, depth: number): void => {
    const element = elements[at]
    if (element === undefined || depth > 64) throw new Error('its schema is not a tree')
    at += 1
    const isRoot = depth === 0
    const name = element.get(4)
    const own = isRoot || !Buffer.isBuffer(name) ? [] : [...path, name.toString('utf8')]
    const isFull = isRequired && (isRoot || Number(element.get(3)) === repetitionRequired)
    const children = Number(element.get(5) ?? 0)
    if (children === 0 && !isRoot) leaves.push(leafOf(element, own, isFull))
    for (let child = 0; child < children; child += 1) visit(own, isFull, depth + 1)
  }
  visit([], true, 0)
  return leaves
}

function leafOf(element: ThriftFields, path: readonly string[], isRequired: boolean): Leaf {
  const fieldId = element.get(9)
  const annotation = Number(element.get(6) ?? -1)
  const logical = fields(element.get(10))
  const isDecimal = annotation === converted.decimal || logical.has(5)
  const timestamp = fields(logical.get(8))
  return {
    path,
    fieldId: fieldId === undefined ? undefined : Number(fieldId),
    physical: physicalTypes[Number(element.get(1))] ?? 'unknown',
    decimal: isDecimal ? { precision: Number(element.get(8)), scale: Number(element.get(7) ?? 0) } : undefined,
    isTimestampMicros: annotation === converted.timestampMicros || fields(timestamp.get(2)).has(2),
    isRequired,
  }
}

function statisticsOf(chunks: readonly ThriftFields[]): Pick<FooterColumn, 'bytes' | 'nulls' | 'bounds'> {
  const bytes = chunks.reduce((sum, chunk) => sum + Number(chunk.get(7) ?? 0), 0)
  let nulls: number | undefined = 0
  let bounds: { min: Buffer; max: Buffer }[] | undefined = []
  for (const chunk of chunks) {
    const statistics = fields(chunk.get(12))
    const nullCount = statistics.get(3)
    nulls = nullCount === undefined || nulls === undefined ? undefined : nulls + Number(nullCount)
    if (nullCount !== undefined && nullCount === chunk.get(5)) continue
    const [max, min] = [statistics.get(5), statistics.get(6)]
    // A writer that shortened a bound says so; then it is none of the values.
    const isExact = statistics.get(7) !== false && statistics.get(8) !== false
    if (isExact && Buffer.isBuffer(min) && Buffer.isBuffer(max)) bounds?.push({ min, max })
    else bounds = undefined
  }
  return { bytes, nulls, bounds: bounds ?? [] }
}

function structs(value: ThriftValue | undefined): readonly ThriftFields[] {
  if (!Array.isArray(value)) return []
  return value.map(fields)
}

function fields(value: ThriftValue | undefined): ThriftFields {
  return value instanceof Map ? value : new Map<number, ThriftValue>()
}
