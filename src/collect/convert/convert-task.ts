import { join } from 'node:path'

import type { Disk } from '../../base/disk.ts'
import { KeptSessions } from '../../base/duckdb/kept-sessions.ts'
import type { LendSession } from '../../base/duckdb/session.ts'
import { assert, isAppError, must } from '../../base/errors.ts'
import type { AppError } from '../../base/errors.ts'
import type { NativeGunzip } from '../../base/gzip/native-gunzip.ts'
import { freshMemory } from '../../base/kept-memory.ts'
import type { NativeEncoder } from '../../base/parquet/native-encoder.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { parquetVersionDefault } from '../../base/parquet/version.ts'
import {
  fileBytesMax,
  inflatedBytesMax,
  quarantinedBytesMax,
  rejectedRecordsMax,
  splitBytesMax,
  splitLimits,
} from '../limits.ts'
import type { ImportFormat } from '../collect.ts'
import type { RejectedRecord, SplitBody, SplitResult, Splitter } from '../split/splitter.ts'
import { BodyReader } from './body-reader.ts'
import type { CsvLines } from './csv.ts'
import { csvLines } from './csv.ts'
import { inflate, inflatedTooLarge } from './inflate.ts'
import { canBeCut, cutLongBody } from './long-body.ts'
import { plainBody } from './message.ts'
import { convertParquet } from './parquet-body.ts'
import type { Rooms } from './rooms.ts'
import { newRooms } from './rooms.ts'
import { TableDraft } from './table-draft.ts'
import type {
  ConvertBody,
  ConvertInput,
  ConvertOutput,
  ConvertedBody,
  ConvertedFile,
  RecordReading,
  RejectedRest,
  RejectedRow,
} from './tasks.ts'
import type { RowWriterOptions } from './write-rows.ts'
import { RowPieces, writeRows } from './write-rows.ts'

export interface ConvertTools {
  readonly splitter: Splitter
  /** Without one, DuckDB encodes all that has to be. */
  readonly encoder?: NativeEncoder | undefined
  /** Without one, zlib inflates all of gzip. */
  readonly gunzip?: NativeGunzip | undefined
  readonly disk: Disk
  readonly limits?: ConvertLimits
  readonly parquetVersion?: ParquetVersion
}

type ConversionTools = Required<Omit<ConvertTools, 'encoder' | 'gunzip'>> &
  Pick<ConvertTools, 'encoder'> & { readonly lend: LendSession; readonly rooms: Rooms }

/** What an engine process does for `convertTask`: bodies in, files of Parquet out. */
export function convertHandler({
  limits = limitsDefault,
  parquetVersion = parquetVersionDefault,
  gunzip,
  ...tools
}: ConvertTools): (input: ConvertInput) => Promise<ConvertOutput> {
  const { lend } = new KeptSessions()
  // What lies in them lasts only as long as no other conversion has them.
  let free: Rooms | undefined = newRooms(gunzip)
  return async (input) => {
    const rooms = free ?? newRooms()
    free = undefined
    const conversion = new Conversion(input, { ...tools, rooms, limits, lend, parquetVersion })
    return await conversion.run().finally(() => {
      rooms.columns.takeBack()
      if (rooms.gunzip === gunzip) free = rooms
    })
  }
}

/** How much of a body is in memory at one time. */
interface ConvertLimits {
  /** Above it, a body is converted piece by piece, if it can be. */
  readonly wholeBytesMax: number
  readonly pieceBytes: number
}

const limitsDefault: ConvertLimits = { wholeBytesMax: inflatedBytesMax, pieceBytes: fileBytesMax }

/** A body that the splitter can read, and what is needed to say where in the body its rejected records are. */
interface Prepared {
  readonly index: number
  readonly split: SplitBody
  readonly csv: { readonly source: Buffer; readonly lines: CsvLines } | undefined
}

/** One run of the task. */
class Conversion {
  readonly #input: ConvertInput
  readonly #splitter: Splitter
  readonly #encoder: NativeEncoder | undefined
  readonly #rooms: Rooms
  readonly #disk: Disk
  readonly #reader: BodyReader
  readonly #limits: ConvertLimits
  readonly #lend: LendSession
  readonly #parquetVersion: ParquetVersion
  readonly #draft: TableDraft
  readonly #files: ConvertedFile[] = []
  readonly #bodies: (ConvertedBody | undefined)[]
  /** Of the file that is being made, and how many bytes of bodies went into it. */
  #pieces: RowPieces | undefined
  #fileBytes = 0
  #nextName = 0

  constructor(input: ConvertInput, tools: ConversionTools) {
    const { splitter, encoder, rooms, disk, limits, lend, parquetVersion } = tools
    this.#input = input
    this.#limits = limits
    this.#lend = lend
    this.#parquetVersion = parquetVersion
    this.#splitter = splitter
    this.#encoder = encoder
    this.#rooms = rooms
    this.#disk = disk
    this.#reader = new BodyReader(disk)
    this.#draft = new TableDraft(input.columns, input.nextFieldId)
    this.#bodies = input.bodies.map(() => undefined)
  }

  async run(): Promise<ConvertOutput> {
    await this.#convertAll().finally(() => this.#reader.close())
    const bodies = this.#bodies.map((body) => must(body, 'every body has come to an end'))
    const [into, outOf] = [sum(bodies, 'rows'), sum(this.#files, 'rows')]
    assert(into === outOf, `bodies have ${into} rows, and files ${outOf}`)
    return { files: this.#files, newColumns: this.#draft.newColumns, bodies }
  }

  async #convertAll(): Promise<void> {
    let batch: Prepared[] = []
    let bytes = 0
    this.#rooms.gunzip?.turn()
    for (const [index, body] of this.#input.bodies.entries()) {
      const prepared = this.#ready(body, index) ?? (await this.#prepare(body, index))
      if (prepared === undefined) continue
      if (bytes + prepared.split.bytes.byteLength > splitBytesMax && batch.length > 0) {
        await this.#split(batch)
        // The body that is prepared already is in the next batch.
        this.#rooms.gunzip?.turn()
        batch = []
        bytes = 0
      }
      batch.push(prepared)
      bytes += prepared.split.bytes.byteLength
    }
    if (batch.length > 0) await this.#split(batch)
    await this.#closeFile()
  }

  /** A body that lies there as the splitter takes it, as single events do; undefined where there is more to do to it. */
  #ready(body: ConvertBody, index: number): Prepared | undefined {
    const { format, encoding, timeColumn, receivedAtUs } = body
    if (encoding !== 'identity' || format === 'parquet' || format === 'csv' || format === 'tsv') return undefined
    const bytes = this.#reader.inWindow(body)
    if (bytes === undefined || bytes.byteLength > this.#limits.wholeBytesMax) return undefined
    return { index, split: { bytes, format, timeColumn, receivedAtUs }, csv: undefined }
  }

  /** Makes a body ready for the splitter, or brings it to its end where it needs none or cannot be read. */
  async #prepare(body: ConvertBody, index: number): Promise<Prepared | undefined> {
    try {
      const bytes = await this.#inflated(body)
      if (bytes === undefined) {
        await this.#convertLong(body, index)
        return undefined
      }
      if (body.format === 'parquet') {
        await this.#convertParquet(bytes, body, index)
        return undefined
      }
      const { timeColumn, receivedAtUs, format } = body
      if (format !== 'csv' && format !== 'tsv') {
        return { index, split: { bytes, format, timeColumn, receivedAtUs }, csv: undefined }
      }
      const lines = csvLines(bytes, format === 'csv' ? ',' : '\t')
      const split = { bytes: lines.bytes, format: 'ndjson', textMayBeNested: true, timeColumn, receivedAtUs } as const
      return { index, split, csv: { source: bytes, lines } }
    } catch (error) {
      // What may succeed later, such as on a full disk, is not the body's fault.
      if (!isAppError(error) || error.retryable) throw error
      this.#bodies[index] = unread(error)
      return undefined
    }
  }

  /** Undefined where it is too large for that, and can be converted piece by piece. */
  async #inflated(body: ConvertBody): Promise<Buffer | undefined> {
    const mayBeCut = body.mayBeLong === true && canBeCut(body.format)
    if (body.bytes > this.#limits.wholeBytesMax) {
      if (mayBeCut) return undefined
      throw inflatedTooLarge()
    }
    try {
      const { bodies, gunzip } = this.#rooms
      if (body.encoding === 'identity') return await this.#reader.read(body)
      return await bodies.use(body.bytes, async (room) => {
        return inflate(await this.#reader.read(body, room), body.encoding, gunzip)
      })
    } catch (error) {
      if (mayBeCut && isAppError(error, 'inflated_too_large')) return undefined
      throw error
    }
  }

  /** All of the body or nothing: what was made of its first pieces is dropped where a later one cannot be read. */
  async #convertLong(body: ConvertBody, index: number): Promise<void> {
    const { format, timeColumn, receivedAtUs } = body
    assert(canBeCut(format), 'long bodies are of a format that can be cut')
    const files = this.#files.length
    let [rows, rejected] = [0, 0]
    const rejectedRows: RejectedRow[] = []
    try {
      for await (const piece of cutLongBody(body, this.#disk, this.#limits.pieceBytes)) {
        const result = this.#splitRows([{ bytes: piece.bytes, format, timeColumn, receivedAtUs }])
        this.#files.push(...(await writeRows(result, this.#draft, this.#writing())))
        this.#rooms.columns.takeBack()
        const counts = must(result.bodies[0], 'the splitter counts every body')
        const found = result.rejected.slice(0, rejectedRecordsMax - rejectedRows.length).map((record) => ({
          ...rejectedSource(record),
          recordNumber: record.recordNumber + rows + rejected,
          byteOffset: record.byteOffset + piece.offset,
        }))
        rejectedRows.push(...(await this.#keepRows(found)))
        rows += counts.rows
        rejected += counts.rejected
      }
    } catch (error) {
      this.#files.length = files
      throw error
    }
    this.#bodies[index] = { rows, rejected, rejectedRows, error: null }
  }

  async #convertParquet(bytes: Buffer, body: ConvertBody, index: number): Promise<void> {
    if (bytes.byteLength === 0) {
      this.#bodies[index] = { rows: 0, rejected: 0, rejectedRows: [], error: null }
      return
    }
    const { schemaMode } = this.#input
    const options = { ...this.#writing(), schemaMode }
    const converted = await convertParquet(bytes, body, this.#draft, options)
    this.#files.push(...converted.files)
    this.#bodies[index] = converted.body
  }

  async #split(batch: readonly Prepared[]): Promise<void> {
    const result = this.#splitRows(batch.map(({ split }) => split))
    this.#pieces ??= new RowPieces(this.#draft, this.#writing())
    await this.#pieces.add(result)
    this.#rooms.columns.takeBack()
    this.#fileBytes += batch.reduce((bytes, { split }) => bytes + split.bytes.byteLength, 0)
    if (this.#fileBytes >= fileBytesMax) await this.#closeFile()
    const rejectedOf = new Map<number, RejectedSource[]>()
    for (const record of result.rejected) {
      const sources = rejectedOf.get(record.body) ?? []
      sources.push(rejectedSource(record))
      rejectedOf.set(record.body, sources)
    }
    for (const [position, { index, csv }] of batch.entries()) {
      const counts = must(result.bodies[position], 'the splitter counts every body')
      if (counts.rejected === 0 && csv === undefined) {
        this.#bodies[index] = plainBody(counts.rows)
        continue
      }
      const rejected = rejectedOf.get(position) ?? []
      const all = csv === undefined ? rejected : inCsv(rejected, csv.source, csv.lines)
      assert(rejected.length === counts.rejected, 'every rejected record is told')
      this.#bodies[index] = {
        rows: counts.rows,
        rejected: all.length,
        ...(await this.#keepRejected(all, readingOf(must(this.#input.bodies[index], 'a body').format, csv))),
        error: null,
      }
    }
  }

  async #keepRejected(
    rejected: readonly RejectedSource[],
    readAs: RecordReading | undefined,
  ): Promise<Pick<ConvertedBody, 'rejectedRows' | 'readAs' | 'rest'>> {
    const rejectedRows = await this.#keepRows(rejected.slice(0, rejectedRecordsMax))
    if (readAs === undefined || rejected.length === 0) return { rejectedRows }
    if (rejected.length <= rejectedRecordsMax) return { rejectedRows, readAs }
    return { rejectedRows, readAs, rest: await this.#keepRest(rejected.slice(rejectedRecordsMax), readAs) }
  }

  /** Records one after the other, in a form in which they can be read again. */
  async #keepRest(rejected: readonly RejectedSource[], { format, header }: RecordReading): Promise<RejectedRest> {
    const separator = format === 'msgpack' ? Buffer.alloc(0) : lineEnd
    const bytes = Buffer.concat([header ?? Buffer.alloc(0), ...rejected.flatMap(({ raw }) => [raw, separator])])
    const path = `${this.#newPath()}.rest`
    const file = await this.#disk.open(path, 'create')
    await file.write(bytes, 0).finally(() => file.close())
    const head = Buffer.from(bytes.subarray(0, quarantinedBytesMax))
    return { records: rejected.length, path, bytes: bytes.byteLength, head }
  }

  #splitRows(bodies: readonly SplitBody[]): SplitResult {
    const known = this.#draft.columns.map(({ name, type }) => ({ name, type }))
    const bytes = bodies.reduce((sum, body) => sum + body.bytes.byteLength, 0)
    // The rooms of a large body are not kept, and those that its columns outgrew while they doubled need not wait for its end.
    const memory = bytes > splitBytesMax ? freshMemory : this.#rooms.columns
    return this.#splitter.split(bodies, known, splitLimits, this.#input.schemaMode, memory)
  }

  /** What was split since the last file becomes one. */
  async #closeFile(): Promise<void> {
    const pieces = this.#pieces
    this.#pieces = undefined
    this.#fileBytes = 0
    if (pieces !== undefined) this.#files.push(...(await pieces.finish()))
  }

  async #keepRows(rejected: readonly RejectedSource[]): Promise<RejectedRow[]> {
    const rows: RejectedRow[] = []
    for (const { raw, ...facts } of rejected) {
      const isLong = raw.byteLength > quarantinedBytesMax
      const path = isLong ? `${this.#newPath()}.record` : null
      if (path !== null) {
        const file = await this.#disk.open(path, 'create')
        await file.write(raw, 0).finally(() => file.close())
      }
      // A copy: the view would carry the whole body along.
      const head = Buffer.from(raw.subarray(0, quarantinedBytesMax))
      rows.push({ ...facts, raw: head, rawBytes: raw.byteLength, path })
    }
    return rows
  }

  #writing(): RowWriterOptions {
    const { directory, memoryBytes, threads } = this.#input
    const session = { directory, memoryBytes, threads }
    const [disk, encoder, lend, parquetVersion] = [this.#disk, this.#encoder, this.#lend, this.#parquetVersion]
    return { disk, encoder, session, lend, path: this.#newPath(), parquetVersion }
  }

  #newPath(): string {
    return join(this.#input.directory, `part-${this.#nextName++}`)
  }
}

interface RejectedSource {
  readonly recordNumber: number
  readonly byteOffset: number
  readonly reason: string
  readonly detail: string
  readonly raw: Uint8Array
}

function rejectedSource({ recordNumber, byteOffset, reason, detail, raw }: RejectedRecord): RejectedSource {
  return { recordNumber, byteOffset, reason, detail, raw }
}

/** Records that the splitter rejected in the lines, as records of the CSV, among those that made no line. */
function inCsv(rejected: readonly RejectedSource[], source: Buffer, lines: CsvLines): RejectedSource[] {
  const ofLines = rejected.map(({ recordNumber: line, reason, detail }) => {
    const [start, end] = [must(lines.starts[line], 'lines have starts'), must(lines.ends[line], 'lines have ends')]
    const recordNumber = must(lines.recordNumbers[line], 'lines have numbers')
    return { recordNumber, byteOffset: start, reason, detail, raw: source.subarray(start, end) }
  })
  const ofCsv = lines.rejected.map(({ recordNumber, start, end, reason, detail }) => {
    return { recordNumber, byteOffset: start, reason, detail, raw: source.subarray(start, end) }
  })
  return [...ofLines, ...ofCsv].toSorted((a, b) => a.recordNumber - b.recordNumber)
}

/** A line of CSV is read behind the line of names, which a record of the quarantine can hold within limits. */
function readingOf(format: ImportFormat, csv: Prepared['csv']): RecordReading | undefined {
  if (csv === undefined) return { format, header: null }
  const { source, lines } = csv
  if (lines.namesEnd > quarantinedBytesMax) return undefined
  return { format, header: Buffer.concat([source.subarray(0, lines.namesEnd), lineEnd]) }
}

const lineEnd = Buffer.from('\n')

function unread(error: AppError): ConvertedBody {
  return { rows: 0, rejected: 0, rejectedRows: [], error: error.toRecord() }
}

function sum<Key extends string>(items: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return items.reduce((total, item) => total + item[key], 0)
}
