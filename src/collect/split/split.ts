import { must } from '../../base/errors.ts'
import type { Memory } from '../../base/kept-memory.ts'
import { freshMemory } from '../../base/kept-memory.ts'
import type { SettledColumn } from './columns.ts'
import { Columns, rescueTarget } from './columns.ts'
import type { Failure } from './failure.ts'
import { FluentJsonReader, isJsonOfEntries } from './fluent-json-reader.ts'
import { FluentReader } from './fluent-reader.ts'
import { instantOfMicros } from './instant.ts'
import type { Instant } from './instant.ts'
import { JsonReader, NdjsonReader } from './json-reader.ts'
import { shown } from './json-records.ts'
import type { Key } from './key-table.ts'
import type { LaneField } from './lane.ts'
import { Lane, laneKind, timeField } from './lane.ts'
import { NativeLane } from './native-lane.ts'
import type { NativeModule } from './native-lane.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import type { RecordReader } from './record-tape.ts'
import { RecordTape } from './record-tape.ts'
import { textOf, valueKind } from './value-tape.ts'
import { RescueBuilder } from './rescue.ts'
import type {
  RejectedRecord,
  SchemaMode,
  SplitBody,
  SplitColumn,
  SplitLimits,
  SplitResult,
  Splitter,
} from './splitter.ts'
import { TimeColumns } from './time-columns.ts'
import { instantOfField } from './time.ts'

/** Keys that name no column (always null, not allowed as names, or of rejected records) are remembered up to this factor. */
const keysPerColumn = 4

/**
 * Rejected records of one call. The one that reaches the limit has the rest of its body behind it, and so has the first one of
 * every further body: a body of nothing but broken lines would take many times its size in memory.
 */
const rejectedMax = 100_000
/** How often the lane learns what to expect: where records differ all the time, it is of no use. */
const laneLessonsMax = 64
const tooManyRejected = `${rejectedMax} records were rejected, and the rest of the body with this one`

/** How records may be read. Without the lane every one of them goes over the tape. */
export interface SplitterOptions {
  readonly usesLane?: boolean
  /** The lane in WebAssembly; without it, the one in JavaScript is taken. */
  readonly native?: NativeModule | undefined
}

/** It keeps nothing between calls but memory. */
export function createSplitter({ usesLane = true, native }: SplitterOptions = {}): Splitter {
  return {
    split(bodies, known, limits, mode = 'evolve', memory = freshMemory) {
      const bytes = bodies.reduce((sum, body) => sum + body.bytes.length, 0)
      const options = { limits, mode, memory, usesLane, native, bytes }
      const first = new Split(known, options)
      for (const [index, body] of bodies.entries()) first.read(body, index)
      if (first.columns.areSettled && first.misfits.size === 0) return first.finish()
      const second = new Split(first.columns.settle(), { ...options, refused: first.misfits })
      for (const [index, body] of bodies.entries()) second.read(body, index)
      return second.finish()
    },
  }
}

interface SplitOptions {
  readonly limits: SplitLimits
  readonly mode: SchemaMode
  readonly memory: Memory
  readonly usesLane: boolean
  readonly native: NativeModule | undefined
  /** Of all bodies. */
  readonly bytes: number
  /** Records that a pass before this one found to be rejected for their schema. */
  readonly refused?: Misfits
}

/** Why records do not fit the columns, by the place of the record. */
type Misfits = ReadonlyMap<number, Failure>

/** One pass over the bodies. */
class Split {
  readonly columns: Columns
  readonly #limits: SplitLimits
  readonly #tape: RecordTape
  readonly #times: TimeColumns
  readonly #timeTarget: number
  readonly #rescued = new RescueBuilder()
  readonly #rejected: RejectedRecord[] = []
  readonly #bodies: { rows: number; rejected: number }[] = []
  readonly #mode: SchemaMode
  readonly #refused: Misfits | undefined
  /** What was put into columns by then cannot be taken back: another pass leaves these records out. */
  readonly misfits = new Map<number, Failure>()
  /** Of the record that is read: unlike among all bodies, and the same in each pass. */
  #place = 0
  #rows = 0
  readonly #bytes: number
  /** Of the bodies before the one that is read. */
  #bytesBefore = 0
  /** One for all bodies of its format. */
  #json: JsonReader | undefined
  readonly #lane: Lane
  #laneTimeKey: Key | undefined
  /** How often it may still learn what to expect. */
  #lessons: number

  constructor(
    settled: readonly SettledColumn[],
    { limits, mode, memory, usesLane, native, bytes, refused }: SplitOptions,
  ) {
    this.#bytes = bytes
    this.#limits = limits
    this.#mode = mode
    this.#refused = refused
    this.#tape = new RecordTape(Math.max(limits.columnsMax, settled.length) * keysPerColumn + 16)
    this.columns = new Columns(settled, this.#tape.keys, { limits, mayGrow: mode === 'evolve', memory })
    this.#times = new TimeColumns(memory)
    this.#timeTarget = this.columns.addWriter(this.#times)
    this.#lane = new Lane(limits.recordBytesMax, native && new NativeLane(native))
    // The place of each record counts where some are left out.
    this.#lessons = usesLane && (refused === undefined || refused.size === 0) ? laneLessonsMax : 0
  }

  read(body: SplitBody, index: number): void {
    const tape = this.#tape
    const timeKey = this.#timeKey(body)
    this.#key('time').target = timeKey?.name === 'time' ? this.#timeTarget : rescueTarget
    tape.textMayBeNested = body.textMayBeNested ?? false
    const reader = this.#open(body)
    const counts = { rows: 0, rejected: 0 }
    this.#bodies.push(counts)
    for (let number = 0; ; number += 1) {
      const ahead = this.#readLane(reader, timeKey)
      counts.rows += ahead
      number += ahead
      const keysBefore = tape.keys.size
      const outcome = reader.next()
      if (outcome === 'end') break
      this.#place = index * 2 ** 32 + number
      const failure = outcome === 'rejected' ? reader.failure : this.#keep(reader, timeKey, body.receivedAtUs)
      if (failure === undefined) {
        counts.rows += 1
        // A single record of another kind changes nothing about what the next ones are like.
        if (ahead === 0) this.#learn(timeKey)
      } else {
        counts.rejected += 1
        tape.keys.forgetAfter(keysBefore)
        const isLast = this.#rejected.length + 1 >= rejectedMax
        const raw = body.bytes.subarray(reader.start, isLast ? body.bytes.length : reader.end)
        const detail = isLast ? `${failure.detail}; ${tooManyRejected}` : failure.detail
        const { reason } = failure
        this.#rejected.push({ body: index, recordNumber: number, byteOffset: reader.start, reason, detail, raw })
        if (isLast) break
      }
    }
    this.#bytesBefore += body.bytes.length
  }

  #open({ format, bytes }: SplitBody): RecordReader {
    const { depthMax } = this.#limits
    if (format !== 'json') return openReader(format, bytes, this.#tape, depthMax)
    this.#json = this.#json?.reopen(bytes) ?? new JsonReader(bytes, this.#tape, depthMax)
    return this.#json
  }

  /** Puts the records that are as the lane expects them into columns, many at a time. Returns how many there were. */
  #readLane(reader: RecordReader, timeKey: Key | undefined): number {
    const lane = this.#lane
    let taken = 0
    while (reader.readLane !== undefined && lane.isOpen && timeKey === this.#laneTimeKey) {
      reader.readLane(lane)
      lane.put(this.#rows, this.#growth(lane.end))
      this.#rows += lane.rows
      taken += lane.rows
      if (!lane.mayGoOn) break
    }
    return taken
  }

  /** How many times as many rows are expected in all as up to this place of the body, and a few more: columns then grow once. */
  #growth(end: number): number {
    return Math.max(1, (1.05 * this.#bytes) / (this.#bytesBefore + end))
  }

  /** Has the lane expect records like the one on the tape, if their columns are simple. */
  #learn(timeKey: Key | undefined): void {
    const tape = this.#tape
    const lane = this.#lane
    if (this.#lessons === 0) return
    if (timeKey === this.#laneTimeKey && lane.expects(tape.fieldKeys, tape.count)) return
    this.#lessons -= 1
    const fields: LaneField[] = []
    for (const key of tape.fieldKeys.slice(0, tape.count)) {
      const field = key.target === this.#timeTarget ? timeField(key, this.#times) : this.columns.laneField(key)
      if (field === undefined) return lane.expect([])
      fields.push(field)
    }
    const hasTime = fields.some(({ key, kind }) => key === timeKey && kind === laneKind.time)
    lane.expect(hasTime ? fields : [])
    this.#laneTimeKey = timeKey
  }

  /** The key that holds the time; entries of Fluentd have their time beside the record. */
  #timeKey({ timeColumn, format }: SplitBody): Key | undefined {
    if (timeColumn !== null) return this.#key(timeColumn)
    return format === 'fluent' ? undefined : this.#key('time')
  }

  #key(name: string): Key {
    return must(this.#tape.keys.find(name), 'there is room for the keys of times')
  }

  /** Puts the record on the tape into the columns, or says why it cannot be kept; then no column knows of it. */
  #keep(reader: RecordReader, timeKey: Key | undefined, receivedAtUs: number): Failure | undefined {
    const tape = this.#tape
    const { recordBytesMax, columnsMax } = this.#limits
    const bytes = reader.end - reader.start
    if (bytes > recordBytesMax) {
      return { reason: 'record_size', detail: `the record has ${bytes} bytes; ${recordBytesMax} are allowed` }
    }
    const field = timeKey === undefined ? -1 : tape.fieldOf(timeKey)
    const hasTime = field !== -1 && tape.kinds[field] !== valueKind.null
    const instant = hasTime ? instantOfField(tape, field) : (reader.instant ?? instantOfMicros(receivedAtUs))
    if (instant === undefined) return this.#noTime(field)
    const refused = this.#refused?.get(this.#place)
    if (refused !== undefined) return refused
    if (tape.unknownCount > 0 && !this.columns.admit(tape)) {
      return { reason: 'too_many_columns', detail: `the table would have more than ${columnsMax} columns` }
    }
    this.#putRow(instant)
    return undefined
  }

  #putRow(instant: Instant): void {
    const tape = this.#tape
    const row = this.#rows++
    this.#times.put(row, instant)
    for (let field = 0; field < tape.count; field += 1) {
      if (tape.kinds[field] === valueKind.null) continue
      const key = tape.fieldKeys[field] as Key
      if (this.columns.take(key, tape, field, row)) continue
      this.#rescued.add(row, key.bytes, tape, field)
      if (this.#mode === 'quarantine' && key.target !== this.#timeTarget) this.misfits.set(this.#place, misfit(key))
    }
  }

  #noTime(field: number): Failure {
    const tape = this.#tape
    const { name } = tape.fieldKeys[field] as Key
    const start = tape.starts[field] as number
    const text = textOf(tape.bytes, start, Math.min(tape.ends[field] as number, start + 100))
    return { reason: 'time', detail: `the value of ${shown(name)} is no time: ${text}` }
  }

  finish(): SplitResult {
    const rows = this.#rows
    const columns: SplitColumn[] = [...this.#times.finish(rows), ...this.columns.finish(rows)]
    const varchar = { kind: 'varchar' } as const
    if (this.#rescued.hasValues) {
      const type = { kind: 'map', key: varchar, value: varchar } as const
      columns.push({ name: '_rescued', type, vector: this.#rescued.finish(rows) })
    }
    return { rows, columns, rejected: this.#rejected, bodies: this.#bodies }
  }
}

function misfit({ name, target }: Key): Failure {
  const problem = target === rescueTarget ? 'there is no column for it' : 'its value does not fit the column'
  return { reason: 'schema', detail: `${shown(name)}: ${problem}` }
}

function openReader(
  format: Exclude<SplitBody['format'], 'json'>,
  bytes: Uint8Array,
  tape: RecordTape,
  depthMax: number,
): RecordReader {
  switch (format) {
    case 'ndjson':
      return new NdjsonReader(bytes, tape, depthMax)
    case 'msgpack':
      return new MsgpackReader(bytes, tape, depthMax)
    case 'fluent':
      return new (isJsonOfEntries(bytes) ? FluentJsonReader : FluentReader)(bytes, tape, depthMax)
  }
}
